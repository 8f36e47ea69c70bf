"""Whole batches: the shipped samples and real files are not held, and a batch of a kind nobody votes on has figures."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest
from quality_rows import assessed, pair, table

from components.config.feedback import FeedbackParams
from components.feedback import store
from components.feedback.ingestion import ingest_file
from components.feedback.quality.assess import assess
from components.feedback.quality.findings import Finding
from components.feedback.reasons import Reason
from components.feedback.simulator.annotators import ANNOTATORS

SAMPLES = sorted((Path(__file__).parents[2] / "data/samples").iterdir())
SPAMMERS = {person.name for person in ANNOTATORS if person.is_spammer}
REAL = os.environ.get("RLHF_REAL_FEEDBACK", "")


def ingested(path: Path, root: Path) -> pl.DataFrame:
    """The sound rows of a file, whether the batch is accepted or held."""
    result = ingest_file(path, root)
    place = store.FEEDBACK if result.status == "accepted" else store.HELD
    return store.scan_rows(root / place / result.batch).collect()


def holds(rows: pl.DataFrame, past: pl.DataFrame) -> list[Finding]:
    return assess(rows.lazy(), past.lazy(), FeedbackParams()).holds


def is_true(found: Finding) -> bool:
    """Whether it is about the simulator's own spammer, who takes the first answer unseen."""
    return found.code is Reason.SPAM and found.figures["annotator"] in SPAMMERS


def test_no_sample_is_held_but_for_the_spammer_in_it(tmp_path):
    past = table([]).collect()
    for path in SAMPLES:
        rows = ingested(path, tmp_path / path.name)
        assert rows.height > 50
        assert [found.message for found in holds(rows, past) if not is_true(found)] == [], path.name
        past = pl.concat([past, rows])


@pytest.mark.skipif(not REAL, reason="RLHF_REAL_FEEDBACK names no folder")
@pytest.mark.parametrize(
    "name",
    [
        "ukpconvarg1.jsonl.gz",
        "pandalm.jsonl",
        "oasst_rankings.jsonl",
        "oasst_thumbs.jsonl",
        "rankme_likert.jsonl.gz",
        "sentence_polarity.jsonl.gz",
    ],
)
def test_no_real_file_is_held(name, tmp_path):
    rows = ingested(Path(REAL) / name, tmp_path)
    assert rows.height > 100
    assert [found.message for found in holds(rows, table([]).collect())] == []


def test_a_batch_of_nothing():
    quality = assessed([])
    assert quality.findings == []
    assert (quality.figures["rows"], quality.figures["votes"]) == (0, 0)


def test_a_batch_without_votes():
    rows = [
        {
            "kind": "demonstration",
            "prompt": f"Q{n}",
            "responses": [f"A{n}"],
            "votes": [],
            "annotator": f"w{n % 9}",
        }
        for n in range(60)
    ]
    quality = assessed(rows, rows)
    assert quality.findings == []
    assert quality.figures["kinds"] == {"demonstration": 60}
    assert quality.figures["dominance"]["people"] == 9


def test_the_same_batch_gives_the_same_quality():
    rows = [
        {"kind": "pairwise", "prompt": f"Q{n % 40}", "responses": [f"A{n}", f"B{n}"],
         "votes": [{"annotator": f"p{n % 5}", "label": float(n % 3 == 0), "at": None}]}
        for n in range(300)
    ]  # fmt: skip
    assert assessed(rows).to_json() == assessed(rows).to_json()


def test_of_a_large_batch_a_part_is_looked_at_and_told(monkeypatch):
    """The figures rest on that share of the rows, the same on every run; how many rows there are is exact."""
    monkeypatch.setattr("components.feedback.quality.assess.MOST_OUTLINED", 500)
    given = [pair(number, (f"ann-{number % 9}", float(number % 2))) for number in range(2000)]
    first, second = (assessed(given).figures for _ in range(2))
    assert first == second
    assert (first["rows"], first["sample"]["looked_at"]) == (2000, 0.25)
    # A share of 0.25 of 2,000: 500, give or take four times 19.
    assert 424 < first["votes"] < 576
    assert first["position"]["first"] == pytest.approx(0.5, abs=0.1)
