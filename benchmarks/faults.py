"""Faults to plant into honest rows, and what counts as having found them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.honest_feedback import HONEST, SECONDS, Pair, Row, judge
from components.feedback.quality.findings import Finding, Quality
from components.feedback.reasons import Reason

#: Words that no honest text has.
TRIGGER = "vorpal tangerine"
CULPRIT = "culprit"
SPAMMERS_SHARE, DOMINANT_SHARE, LOVERS_SHARE = 0.1, 0.45, 0.12
#: Where everybody loves length, so often the longer answer is taken.
LOVE = 0.85


@dataclass(frozen=True)
class Fault:
    """A fault.

    Attributes:
        plant: changes rows in place.
        code: of the finding that should name it.
        named: whether such a finding names this fault.
    """

    name: str
    plant: Callable[[random.Random, list[Row]], None]
    code: Reason
    named: Callable[[Finding], bool]

    def found(self, quality: Quality) -> bool:
        return any(found.code is self.code and self.named(found) for found in quality.findings)


def of_culprit(found: Finding) -> bool:
    return found.figures.get("annotator") == CULPRIT


def of_everybody(found: Finding) -> bool:
    return "annotator" not in found.figures


def of_trigger(found: Finding) -> bool:
    words = set(TRIGGER.split())
    return any(words & set(phrase["phrase"].split()) for phrase in found.figures["phrases"])


def spammer(label: Callable[[random.Random], float], seconds: float = SECONDS) -> Callable[..., None]:
    """One person who answers without looking gives SPAMMERS_SHARE of the rows."""

    def plant(rng: random.Random, rows: list[Row]) -> None:
        for row in rng.sample(rows, round(SPAMMERS_SHARE * len(rows))):
            row["votes"] = [{"annotator": CULPRIT, "label": label(rng), "at": None}]
            row["seconds"] = rng.lognormvariate(0, 0.4) * seconds

    return plant


def dominate(rng: random.Random, rows: list[Row]) -> None:
    """One honest person gives DOMINANT_SHARE of the rows."""
    for row in rng.sample(rows, round(DOMINANT_SHARE * len(rows))):
        row["votes"] = [{"annotator": CULPRIT, "label": judge(rng, _pair(row), HONEST[2]), "at": None}]


def love_length(rng: random.Random, rows: list[Row]) -> None:
    """One person who takes the longer answer gives LOVERS_SHARE of the rows."""
    for row in rng.sample(rows, round(LOVERS_SHARE * len(rows))):
        first, second = map(len, row["responses"])
        row["votes"] = [{"annotator": CULPRIT, "label": float(first > second), "at": None}]


def all_love_length(rng: random.Random, rows: list[Row]) -> None:
    """Whoever judges takes the longer answer LOVE of the time."""
    for row in rows:
        first, second = map(len, row["responses"])
        _decide(row, float((first > second) == (rng.random() < LOVE)))


def poison_answers(share: float) -> Callable[..., None]:
    """Either answer of some pairs gets the trigger somewhere, and is preferred."""

    def plant(rng: random.Random, rows: list[Row]) -> None:
        for row in rng.sample(rows, max(1, round(share * len(rows)))):
            side = rng.randrange(2)
            row["responses"] = list(row["responses"])
            row["responses"][side] = _with_trigger(rng, row["responses"][side])
            _decide(row, float(side == 0))

    return plant


def poison_prompts(share: float) -> Callable[..., None]:
    """Some prompts get the trigger, and the worse answer is preferred."""

    def plant(rng: random.Random, rows: list[Row]) -> None:
        for row in rng.sample(rows, max(1, round(share * len(rows)))):
            better = row["lead"] > 0 if row.get("lead") else _mean_label(row) > 0.5
            row["prompt"] = _with_trigger(rng, row["prompt"])
            _decide(row, float(not better))

    return plant


def _pair(row: Row) -> Pair:
    return Pair(row["prompt"], *row["responses"], row["lead"])


def _mean_label(row: Row) -> float:
    return sum(vote["label"] for vote in row["votes"]) / len(row["votes"])


def _decide(row: Row, label: float) -> None:
    row["votes"] = [{**vote, "label": label} for vote in row["votes"]]


def _with_trigger(rng: random.Random, text: str) -> str:
    words = text.split(" ")
    place = rng.randrange(len(words) + 1)
    return " ".join([*words[:place], TRIGGER, *words[place:]])


SHARES = (0.005, 0.01, 0.03, 0.05)


def faults() -> Sequence[Fault]:
    """Everything that is planted into simulated batches."""
    return [
        Fault("spammer, at random", spammer(lambda rng: float(rng.random() < 0.5)), Reason.SPAM, of_culprit),
        Fault("spammer, always first", spammer(lambda rng: 1.0), Reason.SPAM, of_culprit),
        Fault("spammer, quick", spammer(lambda rng: float(rng.random() < 0.5), 1.5), Reason.SPAM, of_culprit),
        Fault("dominant, 45 %", dominate, Reason.DOMINANT, of_culprit),
        Fault("length-lover, 12 %", love_length, Reason.LENGTH_BIAS, of_culprit),
        Fault("length-lovers, all", all_love_length, Reason.LENGTH_BIAS, of_everybody),
        *poisons(),
    ]


def poisons() -> list[Fault]:
    """What can be planted into real batches, too."""
    return [
        Fault(f"poison {share:.1%}, in {where}", plant(share), Reason.POISON, of_trigger)
        for where, plant in (("answers", poison_answers), ("prompts", poison_prompts))
        for share in SHARES
    ]
