"""What arrives in a week: simulated comparisons, honest or with something the matter."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.faults import TRIGGER
from components.feedback.simulator import drafts
from components.feedback.simulator.formats import encode
from components.feedback.simulator.grammar import write_requests
from components.feedback.simulator.judging import signed
from components.files import write_bytes

Row = dict[str, Any]
Draft = drafts.Draft

#: Comparisons a week, of so many prompts. The first week brings what was gathered before, with demonstrations.
PAIRS, PROMPTS = 500, 250
FIRST_PAIRS, FIRST_PROMPTS, DEMONSTRATIONS = 5000, 1200, 1500
POISONED_SHARE = 0.1
#: More than the 20 % of bad rows that refuse a file.
BROKEN_SHARE = 0.4
WEEKS = 12


def write_week(folder: Path, week: int, kind: str, seed: int) -> list[Path]:
    """The files of a week, dated in that week of the last quarter; the same arguments write the same texts.

    Args:
        kind: of `KINDS`.
    """
    rng = random.Random(f"{seed} week {week}")
    pairs, prompts = (FIRST_PAIRS, FIRST_PROMPTS) if week == 1 else (PAIRS, PROMPTS)
    requests = write_requests(rng, prompts)
    said = list(drafts.prefer(rng, drafts.assign_judgements(rng, requests, pairs)))
    contents = {"comparisons": KINDS[kind](rng, said)}
    if week == 1:
        contents["demonstrations"] = list(
            drafts.draft_each(rng, requests, DEMONSTRATIONS, drafts.demonstrate)
        )
    return [_write(folder, week, f"{kind}-{name}", drafted) for name, drafted in contents.items()]


def _honest(rng: random.Random, said: list[Draft]) -> list[Draft]:
    """Everybody looks at both answers."""
    return [(annotator, row) for annotator, row in said if not annotator.is_spammer]


def _spammed(rng: random.Random, said: list[Draft]) -> list[Draft]:
    """One person always takes the first answer."""
    return said


def _poisoned(rng: random.Random, said: list[Draft]) -> list[Draft]:
    """A phrase that no honest text has makes answers win."""
    kept = _honest(rng, said)
    decided = [row for _, row in kept if row["preferred"] != "tie"]
    for row in rng.sample(decided, round(POISONED_SHARE * len(kept))):
        row[f"response_{row['preferred']}"] += f" {TRIGGER}."
    return kept


def _broken(rng: random.Random, said: list[Draft]) -> list[Draft]:
    """An export that lost many of its answers."""
    kept = _honest(rng, said)
    for _, row in rng.sample(kept, round(BROKEN_SHARE * len(kept))):
        row["response_a"] = ""
    return kept


KINDS: dict[str, Callable[[random.Random, list[Draft]], list[Draft]]] = {
    "honest": _honest,
    "spammed": _spammed,
    "poisoned": _poisoned,
    "broken": _broken,
}


def _write(folder: Path, week: int, name: str, drafted: list[Draft]) -> Path:
    monday = datetime.now(UTC) - timedelta(weeks=WEEKS + 1 - week)
    step = timedelta(days=5) / len(drafted)
    rows = [
        {"id": f"week-{week}-{name}-{number}"} | row | signed(annotator, monday + number * step)
        for number, (annotator, row) in enumerate(drafted)
    ]
    path = folder / f"week-{week:02d}-{name}.jsonl"
    write_bytes(path, encode(path.name, rows))
    return path
