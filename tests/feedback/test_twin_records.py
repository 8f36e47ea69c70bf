"""The two records of a batch, its own and the one beside its refused rows, after somebody died between them."""

from __future__ import annotations

import pytest
from batch_files import PAIR, lines
from life_case import MANY, ONE_PERSON, die, dying_at

from components.feedback import commits, store
from components.feedback.ingestion import ingest_file
from components.feedback.life.decisions import refuse, release
from components.feedback.life.withdrawal import Withdrawal, withdraw_annotator


def _hold(workspace):
    """A batch that waits: 40 rows by ann, 3 by others, one that was refused."""
    rows = [*ONE_PERSON, *MANY[:3], PAIR | {"chosen": ""}]
    result = ingest_file(workspace.write("held.jsonl", lines(rows)), workspace.root)
    assert (result.status, result.accepted) == ("held", 43)
    return result


def _killed_release(workspace, result, monkeypatch):
    refuse(workspace.root, result.batch, "one person")
    monkeypatch.setattr(commits, "write_json", dying_at(commits.write_json, "manifest.json"))
    with pytest.raises(KeyboardInterrupt):
        release(workspace.root, result.batch, "")
    monkeypatch.undo()


def _killed_refusal(workspace, result, monkeypatch):
    monkeypatch.setattr(commits, "remove_batch", die)
    with pytest.raises(KeyboardInterrupt):
        refuse(workspace.root, result.batch, "one person")
    monkeypatch.undo()


@pytest.mark.parametrize("killed", [_killed_release, _killed_refusal])
def test_what_a_person_said_is_counted_once_where_a_decision_was_killed(workspace, monkeypatch, killed):
    result = _hold(workspace)
    killed(workspace, result, monkeypatch)
    rooms = [workspace.root / room / result.batch for room in ("held", "quarantine")]
    assert [store.scan_rows(room).collect().height for room in rooms] == [43, 43]
    erasure = withdraw_annotator(workspace.root, "ann", "erasure request")
    assert erasure.gone == [Withdrawal(result.batch, rows=40, votes=0)]
    manifest = workspace.manifest(result, "held")
    assert workspace.manifest(result, "quarantine") == manifest
    assert (manifest["status"], manifest["accepted"], manifest["withdrawn"]) == ("held", 3, 40)
    assert [event["what"] for event in manifest["events"]].count("withdrawn") == 1
    assert len(workspace.refused(result)) == 1
    for path in workspace.root.rglob("*"):
        assert path.is_dir() or b'"ann"' not in path.read_bytes(), path
    assert [path.name for path in rooms[1].iterdir() if path.suffix == ".parquet"] == []
    assert refuse(workspace.root, result.batch, "again").accepted == 3
    assert release(workspace.root, result.batch, "after all").accepted == 3


@pytest.mark.parametrize(("room", "left"), [("feedback", 35), ("held", 3)])
def test_an_erasure_that_was_killed_and_done_again_is_on_both_records(workspace, monkeypatch, room, left):
    if room == "held":
        result, name = _hold(workspace), "ann"
    else:
        result, name = workspace.ingest(workspace.write("b.jsonl", lines(MANY))), "ann-1"
    monkeypatch.setattr(commits, "record_beside_refused", die)
    with pytest.raises(KeyboardInterrupt):
        withdraw_annotator(workspace.root, name, "erasure request")
    monkeypatch.undo()
    assert workspace.manifest(result, "quarantine")["withdrawn"] == 0
    withdraw_annotator(workspace.root, name, "erasure request")
    manifest = workspace.manifest(result, "quarantine")
    assert manifest == workspace.manifest(result, room)
    assert (manifest["accepted"], [event["what"] for event in manifest["events"]]) == (left, ["withdrawn"])


def test_records_that_agree_are_left_alone(workspace):
    result = workspace.ingest(workspace.write("b.jsonl", lines(MANY)))
    record = workspace.root / "quarantine" / result.batch / "manifest.json"
    before = record.stat().st_ctime_ns
    withdraw_annotator(workspace.root, "nobody", "erasure request")
    assert record.stat().st_ctime_ns == before
