"""Honest batches to plant faults into: rows of the canonical schema as dicts, simulated or real."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from components.feedback.ingestion import ingest_file
from components.feedback.schema import COLUMNS
from components.feedback.simulator.annotators import ANNOTATORS, TIE_MARGIN, Annotator, logistic
from components.feedback.simulator.drafts import compared_answers
from components.feedback.simulator.grammar import write_requests
from components.feedback.simulator.utility import gold_utility
from components.feedback.store import read_accepted
from components.files import sha256_bytes

Row = dict[str, Any]
#: The simulator's people without its spammer.
HONEST = tuple(person for person in ANNOTATORS if not person.is_spammer)
#: How clear a gold question is, and how many rows are one.
GOLD_LEAD, GOLD_SHARE = 2.5, 0.08
#: Median and spread (of the logarithm) of an honest judgement's seconds.
SECONDS, SPREAD = 20.0, 0.6


@dataclass(frozen=True)
class Pair:
    """Two answers; `lead` is by how much the first is truly better."""

    prompt: str
    first: str
    second: str
    lead: float


@lru_cache(maxsize=1)
def pool() -> tuple[list[Pair], list[Pair]]:
    """Pairs for batches and, on other prompts, for the past."""
    rng = random.Random("honest feedback")
    requests = write_requests(rng, 3000)
    return _pairs(rng, requests[:2000], 16000), _pairs(rng, requests[2000:], 6000)


def batch(
    rng: random.Random, count: int, people: Sequence[Annotator] = HONEST, past: bool = False
) -> list[Row]:
    """`count` rows, each one person's vote; half of the pairs are judged by two or three."""
    pairs = rng.sample(pool()[past], min(count, len(pool()[past])))
    rows: list[Row] = []
    for pair in pairs:
        wanted = rng.choice((2, 3)) if rng.random() < 0.5 else 1
        names = _pick(rng, people, min(wanted, len(people)))
        gold = float(pair.lead > 0) if abs(pair.lead) > GOLD_LEAD and rng.random() < GOLD_SHARE * 4 else None
        rows += [row_of(rng, pair, person, gold) for person in names]
        if len(rows) >= count:
            break
    return rows[:count]


def row_of(rng: random.Random, pair: Pair, person: Annotator, gold: float | None = None) -> Row:
    return {
        "kind": "pairwise",
        "prompt": pair.prompt,
        "responses": [pair.first, pair.second],
        "votes": [{"annotator": person.name, "label": judge(rng, pair, person), "at": None}],
        "gold": gold,
        "seconds": rng.lognormvariate(0, SPREAD) * SECONDS,
        "lead": pair.lead,
    }


def judge(rng: random.Random, pair: Pair, person: Annotator) -> float:
    """As components/feedback/simulator/annotators.py has it, with the utility known already."""
    longer = len(pair.first.split()) - len(pair.second.split())
    margin = person.reliability * pair.lead + person.length_liking * longer + logistic(rng)
    return 0.5 if abs(margin) < TIE_MARGIN else float(margin > 0)


def frame(rows: Sequence[Row]) -> pl.LazyFrame:
    """Rows as the canonical schema; what a row lacks is null."""
    filled = [_filled(number, row) for number, row in enumerate(rows)]
    return pl.DataFrame(filled, schema=COLUMNS).lazy()


@lru_cache(maxsize=4)
def real(name: str) -> list[Row] | None:
    """The accepted rows of a real file in the folder that RLHF_REAL_FEEDBACK names; None without it."""
    folder = os.environ.get("RLHF_REAL_FEEDBACK")
    if not folder:
        return None
    with tempfile.TemporaryDirectory() as root:
        ingest_file(Path(folder) / name, Path(root) / "data")
        rows = read_accepted(Path(root) / "data/feedback")
    return rows.select("kind", "prompt", "responses", "votes", "meta").to_dicts()


def _pairs(rng: random.Random, requests: Sequence[Any], count: int) -> list[Pair]:
    pairs = []
    for _ in range(count):
        request = rng.choice(requests)
        first, second = compared_answers(rng, request, 2)
        lead = gold_utility(request.text, first) - gold_utility(request.text, second)
        pairs.append(Pair(request.text, first, second, lead))
    return pairs


def _pick(rng: random.Random, people: Sequence[Annotator], count: int) -> list[Annotator]:
    left, picked = list(people), []
    for _ in range(count):
        picked.append(rng.choices(left, [person.share for person in left])[0])
        left.remove(picked[-1])
    return picked


def _filled(number: int, row: Row) -> Row:
    nothing = dict.fromkeys(COLUMNS)
    own = {
        "row_id": f"r{number}",
        "line": number + 1,
        "source": "simulator",
        "tags": [],
        "meta": "{}",
        "automatic": False,
    }
    own["digest"] = sha256_bytes(f"{number} {row['prompt']} {row['responses']}".encode())
    return nothing | own | {name: value for name, value in row.items() if name in COLUMNS}
