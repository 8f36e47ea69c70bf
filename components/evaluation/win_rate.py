"""How often one model's answer scores above another's on the same prompt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.evaluation.intervals import (
    DEFAULT_BOOTSTRAP,
    Bootstrap,
    Estimate,
    Floats,
    finite,
    mean_over_prompts,
)


@dataclass(frozen=True)
class WinRate(Estimate):
    """Share of prompts won, ties half, with its interval; `prompts` is how many there were."""

    prompts: int


def win_rate(
    candidate: npt.ArrayLike, baseline: npt.ArrayLike, bootstrap: Bootstrap = DEFAULT_BOOTSTRAP
) -> WinRate:
    """Paired win rate of the candidate with a bootstrap interval over prompts.

    Args:
        candidate, baseline: [prompts] or [prompts, samples] scores of the answers to the same prompts, in the
            same order. The two may differ in samples a prompt.

    Returns:
        NaN throughout where there is no prompt.

    Raises:
        ValueError: a score is NaN or infinite, or the prompts do not pair up.
    """
    wins = wins_by_prompt(candidate, baseline)
    estimate = mean_over_prompts(wins, np.ones_like(wins), bootstrap)
    return WinRate(estimate.value, estimate.lower, estimate.upper, prompts=wins.size)


def wins_by_prompt(candidate: npt.ArrayLike, baseline: npt.ArrayLike) -> Floats:
    """[prompts] share of a prompt's pairs of answers that the candidate wins, ties half.

    Each of the candidate's samples meets each of the baseline's: the mean is that of pairing them one to
    one, with less chance in it.
    """
    ours = _by_prompt(candidate, "candidate scores")
    theirs = _by_prompt(baseline, "baseline scores")
    if len(ours) != len(theirs):
        raise ValueError(f"{len(ours)} prompts of candidate scores against {len(theirs)} of baseline scores")
    gaps = ours[:, :, None] - theirs[:, None, :]
    return wins_of(gaps).mean(axis=(1, 2)) if len(ours) else np.empty(0)


def wins_of(margins: Floats) -> Floats:
    """1 for a margin above zero, 0 for one below, a half for none."""
    return (np.sign(margins) + 1) / 2


def _by_prompt(scores: npt.ArrayLike, name: str) -> Floats:
    array = finite(scores, name)
    if array.ndim not in (1, 2) or (array.ndim == 2 and array.shape[1] == 0):
        raise ValueError(f"{name}: shape {array.shape}, expected [prompts] or [prompts, samples]")
    return array[:, None] if array.ndim == 1 else array
