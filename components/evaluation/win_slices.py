"""Where a candidate wins and where it loses: win rates in slices of the prompts, tested together.

With twenty slices, one is below any line by chance; so whether a slice is worse is tested, and the p-values of all
slices of all keys are adjusted together, after Holm. Slices of different keys share prompts; Holm allows for that.
The intervals are those of each slice by itself.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from components.evaluation.intervals import DEFAULT_BOOTSTRAP, Bootstrap, Floats, mean_over_prompts, number
from components.evaluation.multiple_tests import holm, sign_test
from components.evaluation.outcomes import outcomes_by_prompt
from components.evaluation.win_rate import WinRate
from components.evaluation.words import words
from components.records import Prompt

#: Fewer prompts than this are no slice of their own: the smallest p-value of five prompts is 0.03, before Holm.
LEAST_PROMPTS = 10
#: Where the prompts of all groups that are too small stand.
OTHER = "(other)"

Record = TypeVar("Record")


@dataclass(frozen=True)
class WinSlice:
    """One group of the prompts, such as those of one source.

    Attributes:
        rate: the candidate's win rate there; its interval is not widened for the number of slices.
        p_worse: one-sided p-value that the candidate is worse there, by the sign test over prompts; NaN where the
            slice is too small to be tested: fewer than `least` prompts though all small groups are in it.
        p_worse_holm: the same, adjusted for all slices of all keys.
    """

    rate: WinRate
    p_worse: float
    p_worse_holm: float = math.nan

    def figures(self) -> dict[str, Any]:
        """As metrics.json holds it; the p-values of a slice that is too small are null."""
        return {
            **self.rate.figures("win_rate"),
            "prompts": self.rate.prompts,
            "p_worse": number(self.p_worse),
            "p_worse_holm": number(self.p_worse_holm),
        }


WinSlices = dict[str, dict[str, WinSlice]]


def win_slices(
    outcomes: npt.ArrayLike,
    records: Sequence[Record],
    keys: Mapping[str, Callable[[Record], str]],
    bootstrap: Bootstrap = DEFAULT_BOOTSTRAP,
    least: int = LEAST_PROMPTS,
) -> WinSlices:
    """The slices of each key, by key and by name in order.

    Args:
        outcomes: [prompts] of the candidate, in [0, 1]: `win_rate.wins_by_prompt`, or a judge's preference.
        records: [prompts] what the keys look at.
        keys: for each way to cut, such as "source", the group that a record belongs to.
        least: groups of fewer prompts are put together as "(other)".

    Raises:
        ValueError: not one outcome a record, or one that lies outside 0 and 1.
    """
    outcomes = outcomes_by_prompt(outcomes, len(records))
    slices = {
        name: _slices_of(outcomes, [key(record) for record in records], bootstrap, least)
        for name, key in keys.items()
    }
    return _adjusted(slices)


def slice_figures(slices: WinSlices) -> dict[str, dict[str, dict[str, Any]]]:
    """As metrics.json holds them: {"source": {"week-1": {"win_rate", "prompts", "p_worse", ...}}}."""
    return {key: {name: found.figures() for name, found in group.items()} for key, group in slices.items()}


def length_band(prompts: Sequence[Prompt]) -> Callable[[Prompt], str]:
    """A key: "short", "medium" or "long", by terciles of the words of these prompts.

    Prompts of equally many words are in one band, so the bands are only about equally large.
    """
    counts = [_words(prompt) for prompt in prompts] or [0]
    short, medium = np.quantile(counts, [1 / 3, 2 / 3])

    def band(prompt: Prompt) -> str:
        count = _words(prompt)
        return "short" if count <= short else "medium" if count <= medium else "long"

    return band


def _words(prompt: Prompt) -> int:
    return len(words(prompt.prompt))


def _slices_of(
    outcomes: Floats, groups: Sequence[str], bootstrap: Bootstrap, least: int
) -> dict[str, WinSlice]:
    sizes = Counter(groups)
    names = np.array([group if sizes[group] >= least else OTHER for group in groups], dtype=object)
    return {name: _slice(outcomes[names == name], bootstrap, least) for name in sorted(set(names))}


def _slice(outcomes: Floats, bootstrap: Bootstrap, least: int) -> WinSlice:
    mean = mean_over_prompts(outcomes, np.ones_like(outcomes), bootstrap)
    rate = WinRate(mean.value, mean.lower, mean.upper, prompts=outcomes.size)
    wins, losses = int((outcomes > 0.5).sum()), int((outcomes < 0.5).sum())
    return WinSlice(rate, sign_test(losses, wins) if outcomes.size >= least else math.nan)


def _adjusted(slices: WinSlices) -> WinSlices:
    """The same slices with Holm's p-values; those that were not tested are not of the family."""
    tested = [
        (key, name) for key in slices for name, found in slices[key].items() if not math.isnan(found.p_worse)
    ]
    p_values = holm([slices[key][name].p_worse for key, name in tested])
    adjusted = {key: dict(group) for key, group in slices.items()}
    for (key, name), p_value in zip(tested, p_values, strict=True):
        adjusted[key][name] = replace(slices[key][name], p_worse_holm=float(p_value))
    return adjusted
