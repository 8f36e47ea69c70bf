"""The fuzzer of ingestion: it counts what it did, and it can tell a broken promise."""

from __future__ import annotations

import dataclasses
import json
import random

import pytest

from benchmarks import fuzz_feedback
from benchmarks.fuzz_feedback import SPOILED_FILES, Outcome, broken_promises, fuzzed
from benchmarks.hostile.packings import PACKINGS
from components.feedback import ratio
from components.feedback.ingestion import ingest_file


@pytest.fixture(autouse=True)
def _share(monkeypatch):
    monkeypatch.setattr(ratio, "MAX_BAD_SHARE", ratio.MAX_BAD_SHARE)


@pytest.mark.parametrize("suffix", PACKINGS)
def test_files_of_every_packing_are_mostly_read(tmp_path, suffix):
    ratio.MAX_BAD_SHARE = 1.0
    path = tmp_path / f"b{suffix}"
    path.write_bytes(PACKINGS[suffix](random.Random(1), "pairwise", 200, 0))
    result = ingest_file(path, tmp_path / "data")
    assert result.status in ("accepted", "held"), result.message
    assert result.read > 150
    assert result.accepted > 20
    assert result.quarantined > 20


def test_a_format_is_fuzzed_without_a_broken_promise(tmp_path):
    outcome = fuzzed("kto, chats", 500, 3, tmp_path)
    assert outcome.failures == []
    assert outcome.files == len(PACKINGS) * (1 + SPOILED_FILES)
    assert outcome.read >= 500
    assert outcome.read == outcome.accepted + outcome.quarantined + outcome.duplicates
    assert outcome.duplicates > 0
    assert len(outcome.reasons) > 8
    assert outcome.refused


def test_what_is_raised_is_told_and_its_file_kept(tmp_path, monkeypatch):
    class PanicException(BaseException):
        """As polars has it."""

    def ingest(path, *_):
        if path.suffix == ".csv" and path.name.startswith("fuzzed"):
            raise PanicException("index out of bounds")
        return ingest_file(path, *_)

    monkeypatch.setattr(fuzz_feedback, "ingest_file", ingest)
    outcome = fuzzed("thumbs", 50, 0, tmp_path / "kept")
    (failure,) = outcome.failures
    assert "index out of bounds" in failure
    (kept,) = (tmp_path / "kept").iterdir()
    assert failure.startswith(f"{kept}: ")
    assert kept.name == "thumbs-fuzzed-3.csv"
    assert kept.read_bytes().startswith(b"prompt,response,thumbs_up")


@pytest.mark.parametrize("change", [{"read": 4}, {"accepted": 3, "duplicates": 0}, {"reasons": {"TYPE": 1}}])
def test_a_count_that_is_not_so_is_told(tmp_path, change):
    path = tmp_path / "b.csv"
    path.write_text("prompt,response,annotator\np,r,a\np,r,a\nq,r,a\n")
    result = ingest_file(path, tmp_path / "data")
    assert (result.read, result.accepted, result.duplicates) == (3, 2, 1)
    assert list(broken_promises(tmp_path / "data", result)) == []
    assert list(broken_promises(tmp_path / "data", dataclasses.replace(result, **change)))


def test_a_file_that_is_there_already_is_none_that_was_refused(tmp_path):
    path = tmp_path / "b.csv"
    path.write_text("prompt,response\np,r\n")
    ingest_file(path, tmp_path / "data")
    again = ingest_file(path, tmp_path / "data")
    assert (again.status, list(broken_promises(tmp_path / "data", again))) == ("already_ingested", [])


def test_what_was_found_is_written(tmp_path, monkeypatch, capsys):
    out = tmp_path / "found.json"
    words = ["fuzz", "--rows", "50", "--processes", "1", "--formats", "edit", "--out", str(out)]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit) as ended:
        fuzz_feedback.main()
    (found,) = json.loads(out.read_text())
    assert (ended.value.code, found["name"], found["failures"]) == (0, "edit", [])
    assert found["quarantined"] == sum(found["reasons"].values()) > 0
    assert "0 promises broken" in capsys.readouterr().out


def test_the_table(tmp_path):
    outcome = Outcome("kto", 2, 10, 4, 5, 1, 0.5)
    outcome.reasons.update(TYPE=4, TZ=1)
    outcome.failures.append("fuzzed/x: raised")
    lines = list(fuzz_feedback._report([outcome], 2.0))
    assert lines[1].split() == ["kto", "2", "0", "10", "4", "5", "1", "20"]
    assert lines[2].split() == ["all", "2", "0", "10", "4", "5", "1", "20"]
    assert lines[3] == "kto: rows TYPE 4, TZ 1; files none"
    assert lines[4:] == ["10 rows in 2 s; 1 promises broken", "fuzzed/x: raised"]
