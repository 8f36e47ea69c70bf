"""Writes batches of simulated feedback, week by week, in the formats and kinds that people bring."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from components.feedback.simulator import drafts
from components.feedback.simulator.formats import encode, join_lines, packed
from components.feedback.simulator.grammar import Request, write_requests
from components.feedback.simulator.judging import START, signed
from components.feedback.simulator.mishaps import break_some
from components.files import write_bytes

#: The batch that holds some broken lines besides.
BROKEN_FILE = "week-2-comparisons.jsonl.gz"


def write_feedback(
    folder: Path,
    seed: int,
    pairs: int,
    demonstrations: int,
    *,
    prompts: int = 1200,
    ratings: int = 400,
    thumbs: int = 200,
    rankings: int = 150,
    edits: int = 60,
) -> list[Path]:
    """Write simulated feedback as files that `rlhf ingest` takes; the same arguments give the same bytes.

    Args:
        pairs: pairwise judgements, over three files; the first of them holds some broken lines besides.
        demonstrations, ratings, thumbs, rankings, edits: rows of these kinds; a kind with none has no file.
        prompts: how many different prompts all of it is about.

    Returns:
        The files written, in the order of their weeks.
    """
    requests = write_requests(_rng(seed, "prompts"), prompts)
    judged = drafts.assign_judgements(_rng(seed, "assign"), requests, pairs)
    first, second = pairs * 2 // 5, pairs * 4 // 5
    files = {
        "week-1-demonstrations.jsonl.gz": _each(seed, requests, demonstrations, drafts.demonstrate),
        BROKEN_FILE: drafts.choose(_rng(seed, "week 2"), judged[:first]),
        "week-3-comparisons.csv.gz": drafts.prefer(_rng(seed, "week 3"), judged[first:second]),
        "week-4-ratings.jsonl.gz": _twos(seed, requests, ratings, drafts.rate),
        "week-4-thumbs.parquet": _twos(seed, requests, thumbs, drafts.thumb),
        "week-5-rankings.jsonl.gz": _each(seed, requests, rankings, drafts.rank),
        "week-5-edits.jsonl": _each(seed, requests, edits, drafts.edit),
        "week-6-comparisons.jsonl.gz": drafts.choose(_rng(seed, "week 6"), judged[second:]),
    }
    rows = {name: _stamp(seed, name, content) for name, content in files.items()}
    return [_write(folder / name, seed, rows[name]) for name in files if rows[name]]


def _each(seed: int, requests: list[Request], count: int, speak: drafts.Speaker) -> Iterator[drafts.Draft]:
    return drafts.draft_each(_rng(seed, speak.__name__), requests, count, speak)


def _twos(seed: int, requests: list[Request], count: int, speak: drafts.Speaker) -> Iterator[drafts.Draft]:
    return drafts.draft_in_twos(_rng(seed, speak.__name__), requests, count, speak)


def _rng(seed: int, purpose: str) -> random.Random:
    """Its own stream for each purpose: more rows of one kind leave the other kinds as they were."""
    return random.Random(f"{seed} {purpose}")  # noqa: S311 - reproducible, not secret


def _stamp(seed: int, name: str, content: Iterable[drafts.Draft]) -> list[dict[str, Any]]:
    """Rows with an id that no other batch or seed has, spread over the working days of the file's week."""
    said = list(content)
    stem = name.split(".")[0]
    monday = START + timedelta(weeks=int(stem.split("-")[1]) - 1)
    step = timedelta(days=5) / max(1, len(said))
    return [
        {"id": f"s{seed}-{stem}-{number:05d}"} | columns | signed(annotator, monday + number * step)
        for number, (annotator, columns) in enumerate(said)
    ]


def _write(path: Path, seed: int, rows: list[dict[str, Any]]) -> Path:
    if path.name == BROKEN_FILE:
        content = packed(path.name, join_lines(break_some(_rng(seed, "mishaps"), rows)))
    else:
        content = encode(path.name, rows)
    write_bytes(path, content)
    return path
