"""What people really wrote: every published file is taken in, and each row that is not has a reason that holds.

The files are not part of the project; RLHF_REAL_FEEDBACK names the folder that has them.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import polars as pl
import pytest

FOLDER = os.environ.get("RLHF_REAL_FEEDBACK", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="RLHF_REAL_FEEDBACK names no folder")


@pytest.mark.parametrize(
    ("name", "format_name", "kind", "read", "reasons", "duplicates"),
    [
        ("ukpconvarg1.jsonl.gz", "ukpconvarg1", "pairwise", 9348, {"SELF_CONFLICT": 10, "IDENTICAL": 6}, 0),
        ("pandalm.jsonl", "pandalm", "pairwise", 677, {"EMPTY_RESP": 48, "PII": 7}, 65),
        ("oasst_rankings.jsonl", "oasst-rankings", "ranking", 149, {}, 0),
        ("oasst_thumbs.jsonl", "oasst-thumbs", "thumbs", 315, {}, 0),
        ("rankme_likert.jsonl.gz", "rankme", "rating", 2712, {}, 0),
        ("sentence_polarity.jsonl.gz", "sentence-polarity", "thumbs", 8479, {}, 0),
    ],
)
def test_counts(workspace, name, format_name, kind, read, reasons, duplicates):
    started = time.monotonic()
    result = workspace.ingest(Path(FOLDER) / name)
    assert time.monotonic() - started < 30
    assert (result.status, result.read, result.reasons, result.duplicates) == (
        "accepted",
        read,
        reasons,
        duplicates,
    )
    assert workspace.manifest(result)["format"] == format_name
    assert workspace.rows(result)["kind"].unique().to_list() == [kind]
    assert workspace.ingest(Path(FOLDER) / name).status == "already_ingested"


def test_pandalm_rows_that_quote_the_phone_number_of_a_shop(workspace):
    result = workspace.ingest(Path(FOLDER) / "pandalm.jsonl")
    refused = [entry for entry in workspace.refused(result) if entry["reason"] == "PII"]
    assert [entry["line"] for entry in refused] == list(range(400, 407))
    assert all("Call us at 650-636-4884" in entry["raw"] for entry in refused)


def test_pandalm_contradiction_is_the_one_pair_on_which_an_annotator_changed_his_mind(workspace):
    # It is about the same shop.
    text = (Path(FOLDER) / "pandalm.jsonl").read_text(encoding="utf-8").replace("650-636-4884", "[phone]")
    result = workspace.ingest(workspace.write("pandalm.jsonl", text))
    conflicts = [entry for entry in workspace.refused(result) if entry["reason"] == "SELF_CONFLICT"]
    # Their idx are 578 and 580; the three annotators said 2, 1, 2 and 0, 2, 2.
    assert [entry["line"] for entry in conflicts] == [401, 403]
    assert all("'pandalm-2' prefers both" in entry["message"] for entry in conflicts)


def test_votes_of_the_real_files(workspace):
    result = workspace.ingest(Path(FOLDER) / "ukpconvarg1.jsonl.gz")
    votes = workspace.rows(result).select("votes").explode("votes").unnest("votes")
    # 101 of the 9,348 rows have four votes, the others five.
    assert result.accepted * 5 - 101 <= votes.height <= result.accepted * 5
    assert votes.filter(pl.col("annotator").is_null() | pl.col("at").is_null()).height == 0
    result = workspace.ingest(Path(FOLDER) / "rankme_likert.jsonl.gz")
    aspects = workspace.rows(result)["meta"].str.json_path_match("$.aspect").value_counts()
    assert dict(aspects.iter_rows()) == {"quality": 1362, "naturalness": 675, "informativeness": 675}
