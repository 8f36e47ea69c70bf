"""Feedback that is withdrawn: a batch, or what one person said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from batch_files import PAIR, lines, pairs
from life_case import MANY, ONE_PERSON, accepted, die, quarantined

from components.errors import FeedbackError
from components.feedback import store
from components.feedback.ingestion import ingest_file
from components.feedback.life.decisions import refuse, release
from components.feedback.life.withdrawal import Erasure, Withdrawal, withdraw_annotator, withdraw_batch


def test_a_withdrawn_batch_leaves_all_datasets_and_stays_on_record(workspace):
    kept = workspace.ingest(workspace.write("kept.jsonl", lines(pairs(3))))
    gone = workspace.ingest(workspace.write("gone.jsonl", lines(MANY)))
    withdrawal = withdraw_batch(workspace.root, gone.batch, "licence ended")
    assert (withdrawal.rows, withdrawal.votes) == (40, 0)
    assert set(accepted(workspace)["batch"]) == {kept.batch}
    manifest = store.read_manifest(workspace.root / "feedback" / gone.batch)
    assert (manifest.status, manifest.accepted, manifest.withdrawn) == ("withdrawn", 0, 40)
    assert (
        manifest.read == manifest.accepted + manifest.quarantined + manifest.duplicates + manifest.withdrawn
    )
    assert manifest.events[-1]["why"] == "licence ended"
    texts = b"".join(path.read_bytes() for path in (workspace.root / "feedback" / gone.batch).iterdir())
    assert MANY[0]["prompt"].encode() not in texts
    # Neither the file nor another one brings the rows back.
    assert ingest_file(workspace.folder / "gone.jsonl", workspace.root).status == "withdrawn"
    again = workspace.ingest(workspace.write("again.jsonl", lines(MANY[::-1])))
    assert (again.accepted, again.duplicates) == (0, 40)


def test_a_withdrawn_file_is_told_as_such(workspace):
    gone = workspace.ingest(workspace.write("gone.jsonl", lines(MANY)))
    withdraw_batch(workspace.root, gone.batch, "licence ended")
    again = ingest_file(workspace.folder / "gone.jsonl", workspace.root)
    assert "withdrew on" in again.message
    assert "(licence ended)" in again.message
    assert again.remedy == "nothing: what was withdrawn cannot come in again"


def test_what_one_person_said_is_withdrawn_everywhere(workspace):
    votes = [
        {"instruction": f"Name colour {n}.", "input": "", "response1": "Red.", "response2": "Seven.",
         "annotator1": 1, "annotator2": 1, "annotator3": 2} for n in range(4)
    ]  # fmt: skip
    together = workspace.ingest(workspace.write("votes.jsonl", lines(votes)))
    rows = [*MANY, {**PAIR, "prompt": "Bad one.", "annotator": "pandalm-2", "chosen": ""}]
    rows[0] |= {"annotator": "pandalm-2"}
    alone = workspace.ingest(workspace.write("alone.jsonl", lines(rows)))
    nameless = workspace.ingest(workspace.write("nameless.jsonl", lines(pairs(2))))
    erasure = withdraw_annotator(workspace.root, "pandalm-2", "erasure request")
    assert {each.batch: (each.rows, each.votes, each.refused) for each in erasure.gone} == {
        together.batch: (0, 4, 0), alone.batch: (1, 0, 1),
    }  # fmt: skip
    assert (erasure.unreadable, erasure.named_after) == ({}, [])
    kept = accepted(workspace)
    assert kept["batch"].value_counts(sort=True).rows() == [
        (alone.batch, 39),
        (together.batch, 4),
        (nameless.batch, 2),
    ]
    names = kept["votes"].explode().struct.field("annotator")
    assert "pandalm-2" not in names.to_list() + kept["annotator"].to_list()
    assert kept.filter(batch=together.batch)["votes"].list.len().to_list() == [2] * 4
    (refused,) = map(json.loads, quarantined(workspace, alone))
    assert (refused["reason"], refused["raw"]) == ("EMPTY_RESP", "[withdrawn]")
    everything = b"".join(path.read_bytes() for path in workspace.root.rglob("*") if path.is_file())
    assert b"pandalm-2" not in everything


def test_what_one_person_said_is_withdrawn_where_it_waits_and_where_it_was_refused(workspace, held):
    second = [{**row, "prompt": f"Again: {row['prompt']}", "annotator": "ann"} for row in MANY]
    refused = ingest_file(workspace.write("refused.jsonl", lines(second)), workspace.root)
    refuse(workspace.root, refused.batch, "one person")
    erasure = withdraw_annotator(workspace.root, "ann", "erasure request")
    assert {each.batch: each.rows for each in erasure.gone} == {held.batch: 40, refused.batch: 40}
    for path in workspace.root.rglob("*"):
        assert path.is_dir() or b"'ann'" not in path.read_bytes(), path
    with pytest.raises(FeedbackError, match="was withdrawn"):
        release(workspace.root, held.batch, "")


def test_a_part_of_a_held_batch_is_withdrawn_and_the_rest_released(workspace):
    rows = [*ONE_PERSON, PAIR | {"annotator": "bob"}]
    held = ingest_file(workspace.write("held.jsonl", lines(rows)), workspace.root)
    assert held.status == "held"
    withdraw_annotator(workspace.root, "bob", "erasure request")
    manifest = release(workspace.root, held.batch, "")
    assert (manifest.read, manifest.accepted, manifest.withdrawn) == (41, 40, 1)
    assert accepted(workspace).height == 40
    again = ingest_file(workspace.write("again.jsonl", lines(MANY + rows[-1:])), workspace.root)
    assert (again.accepted, again.duplicates) == (40, 1)


@pytest.mark.parametrize("renames", [1, 2])
def test_a_killed_withdrawal_leaves_the_batch_as_it_was_or_without(workspace, monkeypatch, renames):
    result = workspace.ingest(workspace.write("b.jsonl", lines(MANY)))
    left = iter(range(renames))
    original = Path.rename
    monkeypatch.setattr(
        Path, "rename", lambda path, to: original(path, to) if next(left, None) is not None else die()
    )
    try:
        withdraw_annotator(workspace.root, "ann-1", "erasure request")
        finished = True
    except KeyboardInterrupt:
        finished = False
    monkeypatch.undo()
    # Whoever comes next, by whatever command, finds the store in order: no row twice, and none lost but theirs.
    again = ingest_file(workspace.write("again.jsonl", lines(MANY[::-1])), workspace.root)
    rows = accepted(workspace)
    assert rows["digest"].n_unique() == rows.height
    assert (again.accepted, rows.height) == (0, 35 if finished else 40)
    # Of the second file five rows lie in the quarantine: repeats with their text, or withdrawn ones without.
    left = [Withdrawal(result.batch, 5, 0), Withdrawal(again.batch, 0, 0, refused=5)]
    assert withdraw_annotator(workspace.root, "ann-1", "again").gone == ([] if finished else left)
    assert sorted(path.name for path in (workspace.root / "feedback").iterdir())[0][0] != "."
    assert not (workspace.root / "staging").exists()


def test_nobody_of_that_name(workspace):
    workspace.ingest(workspace.write("b.jsonl", lines(MANY)))
    before = {path: path.stat().st_mtime_ns for path in (workspace.root / "feedback").rglob("*")}
    assert withdraw_annotator(workspace.root, "ann", "why") == Erasure()
    assert {path: path.stat().st_mtime_ns for path in (workspace.root / "feedback").rglob("*")} == before
