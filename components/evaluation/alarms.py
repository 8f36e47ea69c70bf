"""Alarms of a PPO run: what a person wants to know while it goes on, and the reviewer afterwards. They block nothing.

Each watches one figure of the rounds, as a mean over the last few of them, because single rounds are noisy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from components.config import AlarmParams
from components.evaluation.steps import StepTable

#: Rounds that are averaged.
ROUNDS = 3

Rows = Sequence[Mapping[str, float]]


@dataclass(frozen=True)
class Alarm:
    """Attributes: iteration: the first at which it was raised; says: what it means, with the numbers."""

    name: str
    iteration: int
    says: str


def raised(rows: Rows, limits: AlarmParams) -> list[Alarm]:
    """Every alarm of a run, once, in the order in which they were raised.

    Args:
        rows: the figures of its rounds so far, from the first; a figure that was not measured raises nothing.
    """
    found = [_first(name, watch, rows, limits) for name, watch in _WATCHED.items()]
    return sorted((alarm for alarm in found if alarm), key=lambda alarm: alarm.iteration)


def raised_now(rows: Rows, limits: AlarmParams) -> list[Alarm]:
    """Those that the last round raised."""
    return [alarm for alarm in raised(rows, limits) if alarm.iteration == int(rows[-1]["step"])]


def as_rows(table: StepTable) -> list[dict[str, float]]:
    """The rounds of a table that a stage left."""
    return [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]


def _first(name: str, watch: _Watch, rows: Rows, limits: AlarmParams) -> Alarm | None:
    for end in range(1, len(rows) + 1):
        says = watch(rows[:end], limits)
        if says:
            return Alarm(name, int(rows[end - 1]["step"]), says)
    return None


def _kl(rows: Rows, limits: AlarmParams) -> str | None:
    kl, most = _recent(rows, "kl"), limits.max_kl
    return (
        f"the policy is {kl:.1f} nats an answer from the SFT model, more than {most:g}" if kl > most else None
    )


def _entropy(rows: Rows, limits: AlarmParams) -> str | None:
    now, start, least = _recent(rows, "entropy"), _first_of(rows, "entropy"), limits.min_entropy_ratio
    collapsed = now < least * start
    return (
        f"entropy fell from {start:.2f} to {now:.2f} nats a token, below {least:g} times: it repeats itself"
        if collapsed
        else None
    )


def _length(rows: Rows, limits: AlarmParams) -> str | None:
    correlation, most = _recent(rows, "length_correlation"), limits.max_length_correlation
    told = f"scores follow length, correlation {correlation:+.2f}, stronger than {most:g}: length may be all it learns"
    return told if abs(correlation) > most else None


def _disagreement(rows: Rows, limits: AlarmParams) -> str | None:
    now, start, most = (
        _recent(rows, "disagreement"),
        _first_of(rows, "disagreement"),
        limits.max_disagreement_ratio,
    )
    told = (
        f"the reward models disagree by {now:.2f}, at first {start:.2f}, more than {most:g} times: they guess"
    )
    return told if start > 0 and now > most * start else None


_Watch = Callable[[Rows, AlarmParams], str | None]
_WATCHED: Mapping[str, _Watch] = {
    "kl": _kl,
    "entropy": _entropy,
    "length": _length,
    "disagreement": _disagreement,
}


def _recent(rows: Rows, figure: str) -> float:
    """The mean over the last rounds; NaN before there are so many, or where one was not measured."""
    return _mean(rows[-ROUNDS:], figure)


def _first_of(rows: Rows, figure: str) -> float:
    return _mean(rows[:ROUNDS], figure)


def _mean(rows: Rows, figure: str) -> float:
    return fmean(row.get(figure, math.nan) for row in rows) if len(rows) == ROUNDS else math.nan
