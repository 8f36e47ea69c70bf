"""What people do with a batch: release, refuse, mend, withdraw."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from batch_files import PAIR, Workspace, lines, pairs

from components.config import FeedbackParams, HoldParams
from components.errors import FeedbackError
from components.feedback import commits, store
from components.feedback.ingestion import ingest_file
from components.feedback.life.decisions import refuse, release
from components.feedback.life.mending import as_csv, refused_rows, retry
from components.feedback.life.withdrawal import Withdrawal, withdraw_annotator, withdraw_batch

#: One person's batch waits.
ONE_PERSON = [{**row, "annotator": "ann"} for row in pairs(40)]
#: Nobody's does.
MANY = [{**row, "annotator": f"ann-{number % 8}"} for number, row in enumerate(pairs(40))]


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path)


@pytest.fixture
def held(workspace):
    result = ingest_file(
        workspace.write("held.jsonl", lines([*ONE_PERSON, PAIR | {"chosen": ""}])), workspace.root
    )
    assert (result.status, result.accepted, result.quarantined) == ("held", 40, 1)
    return result


def _accepted(workspace):
    return store.read_accepted(workspace.root / "feedback")


def test_a_held_batch_waits_outside_the_feedback(workspace, held):
    assert _accepted(workspace).height == 0
    assert "DOMINANT" in {finding["code"] for finding in workspace.manifest(held, "held")["findings"]}
    assert "rlhf feedback" in held.remedy
    again = ingest_file(workspace.folder / "held.jsonl", workspace.root)
    assert (again.status, again.batch) == ("held", held.batch)
    assert [manifest.status for manifest in store.list_manifests(workspace.root)] == ["held"]


def test_a_held_batch_claims_nothing(workspace, held):
    result = ingest_file(workspace.write("others.jsonl", lines(MANY + ONE_PERSON[:2])), workspace.root)
    assert (result.status, result.accepted, result.duplicates) == ("accepted", 42, 0)


def test_released_rows_are_accepted_but_for_what_came_meanwhile(workspace, held):
    others = ingest_file(workspace.write("others.jsonl", lines(MANY + ONE_PERSON[:2])), workspace.root)
    manifest = release(workspace.root, held.batch, "she is our expert")
    assert (manifest.status, manifest.read) == ("accepted", 41)
    assert (manifest.accepted, manifest.quarantined, manifest.duplicates) == (38, 1, 2)
    rows = _accepted(workspace)
    assert rows["batch"].value_counts(sort=True).rows() == [(others.batch, 42), (held.batch, 38)]
    assert rows["digest"].n_unique() == 80
    assert not (workspace.root / "held" / held.batch).exists()
    refused = [json.loads(line) for line in _quarantine(workspace, held)]
    assert [entry["reason"] for entry in refused] == ["EMPTY_RESP", "DUPLICATE", "DUPLICATE"]
    assert json.loads(refused[1]["raw"])["prompt"] == ONE_PERSON[0]["prompt"]
    (event,) = manifest.events
    assert (event["what"], event["why"]) == ("released", "she is our expert")
    # From now on they are known.
    third = ingest_file(workspace.write("third.jsonl", lines([*MANY, *ONE_PERSON])), workspace.root)
    assert (third.accepted, third.duplicates) == (0, 80)


def _killed_release(workspace, held, monkeypatch):
    """A release that dies when the batch is accepted and still lies where it waited."""
    monkeypatch.setattr(commits, "remove_batch", _die)
    with pytest.raises(KeyboardInterrupt):
        release(workspace.root, held.batch, "")
    monkeypatch.undo()
    assert (workspace.root / "held" / held.batch).exists()


def test_a_release_that_was_killed_before_its_end_is_finished_by_the_next_change(
    workspace, held, monkeypatch
):
    _killed_release(workspace, held, monkeypatch)
    assert ingest_file(workspace.folder / "held.jsonl", workspace.root).status == "already_ingested"
    assert not (workspace.root / "held" / held.batch).exists()
    assert _accepted(workspace).height == 40


def test_what_is_released_cannot_be_refused(workspace, held, monkeypatch):
    _killed_release(workspace, held, monkeypatch)
    with pytest.raises(FeedbackError, match="there is no batch"):
        refuse(workspace.root, held.batch, "too late")
    assert [manifest.status for manifest in store.list_manifests(workspace.root)] == ["accepted"]


def test_a_release_that_was_killed_and_done_again_tells_of_repeats_once(workspace, held, monkeypatch):
    ingest_file(workspace.write("others.jsonl", lines(MANY + ONE_PERSON[:2])), workspace.root)
    monkeypatch.setattr(commits, "write_json", _dying_at(commits.write_json, "quality.json"))
    with pytest.raises(KeyboardInterrupt):
        release(workspace.root, held.batch, "")
    monkeypatch.undo()
    manifest = release(workspace.root, held.batch, "")
    assert (manifest.accepted, manifest.quarantined, manifest.duplicates) == (38, 1, 2)
    assert len(_quarantine(workspace, held)) == 3


def test_a_batch_that_was_killed_before_it_could_wait_is_taken_in_again(workspace, monkeypatch):
    monkeypatch.setattr(commits, "write_json", _dying_at(commits.write_json, "quality.json"))
    path = workspace.write("held.jsonl", lines(ONE_PERSON))
    with pytest.raises(KeyboardInterrupt):
        ingest_file(path, workspace.root)
    monkeypatch.undo()
    result = ingest_file(path, workspace.root)
    assert (result.status, store.scan_rows(workspace.root / "held" / result.batch).collect().height) == (
        "held",
        40,
    )


def test_refused_rows_stay_readable(workspace, held):
    manifest = refuse(workspace.root, held.batch, "she clicked through")
    assert (manifest.status, manifest.message) == ("refused", "she clicked through")
    folder = workspace.root / "quarantine" / held.batch
    assert store.scan_rows(folder).collect().height == 40
    assert len(_quarantine(workspace, held)) == 1
    assert not (workspace.root / "held" / held.batch).exists()
    again = ingest_file(workspace.folder / "held.jsonl", workspace.root)
    assert (again.status, again.message) == ("refused", "she clicked through")


@pytest.mark.parametrize("name", ["gone", "../feedback", "", "."])
@pytest.mark.parametrize("act", [release, refuse, withdraw_batch])
def test_a_batch_that_is_not_there(workspace, held, act, name):
    with pytest.raises(FeedbackError, match="there is no batch"):
        act(workspace.root, name, "why")


def test_a_near_name_is_suggested(workspace, held):
    with pytest.raises(FeedbackError) as error:
        release(workspace.root, held.batch[:-1], "")
    assert held.batch in error.value.remedy


def test_only_what_was_refused_comes_in_again(workspace):
    rows = [
        *MANY,
        PAIR | {"annotator": "ann-1", "chosen": ""},
        PAIR | {"annotator": "ann-2", "rejected": "\x1b[0m"},
    ]
    first = workspace.ingest(workspace.write("b.jsonl", lines(rows)))
    assert (first.accepted, first.quarantined) == (40, 2)
    rows[-2] |= {"chosen": "Green."}
    result = retry(workspace.root, first.batch, workspace.write("mended.jsonl", lines(rows)))
    assert (result.accepted, result.quarantined, result.duplicates) == (1, 1, 40)
    assert workspace.manifest(result)["retries"] == first.batch


def test_the_quarantine_as_a_table_for_a_spreadsheet(workspace):
    rows = [*pairs(3), PAIR | {"prompt": "", "chosen": "=HYPERLINK(1)"}]
    text = "prompt,chosen,rejected\n" + "".join(
        f"{r['prompt']},{r['chosen']},{r['rejected']}\n" for r in rows
    )
    result = workspace.ingest(workspace.write("b.csv", text + "=1+1,a,a\n"))
    table = list(csv.DictReader(io.StringIO("".join(as_csv(refused_rows(workspace.root, result.batch))))))
    assert [(row["line"], row["reason"]) for row in table] == [("5", "EMPTY_PROMPT"), ("6", "IDENTICAL")]
    assert [row["raw"] for row in table] == [",=HYPERLINK(1),Seven.", "'=1+1,a,a"]


def test_a_withdrawn_batch_leaves_all_datasets_and_stays_on_record(workspace):
    kept = workspace.ingest(workspace.write("kept.jsonl", lines(pairs(3))))
    gone = workspace.ingest(workspace.write("gone.jsonl", lines(MANY)))
    withdrawal = withdraw_batch(workspace.root, gone.batch, "licence ended")
    assert (withdrawal.rows, withdrawal.votes) == (40, 0)
    assert set(_accepted(workspace)["batch"]) == {kept.batch}
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
    found = {each.batch: each for each in withdraw_annotator(workspace.root, "pandalm-2", "erasure request")}
    assert {batch: (each.rows, each.votes) for batch, each in found.items()} == {
        together.batch: (0, 4), alone.batch: (1, 0),
    }  # fmt: skip
    kept = _accepted(workspace)
    assert kept["batch"].value_counts(sort=True).rows() == [
        (alone.batch, 39),
        (together.batch, 4),
        (nameless.batch, 2),
    ]
    names = kept["votes"].explode().struct.field("annotator")
    assert "pandalm-2" not in names.to_list() + kept["annotator"].to_list()
    assert kept.filter(batch=together.batch)["votes"].list.len().to_list() == [2] * 4
    (refused,) = map(json.loads, _quarantine(workspace, alone))
    assert (refused["reason"], refused["raw"]) == ("EMPTY_RESP", "[withdrawn]")
    everything = b"".join(path.read_bytes() for path in workspace.root.rglob("*") if path.is_file())
    assert b"pandalm-2" not in everything


def test_what_one_person_said_is_withdrawn_where_it_waits_and_where_it_was_refused(workspace, held):
    second = [{**row, "prompt": f"Again: {row['prompt']}", "annotator": "ann"} for row in MANY]
    refused = ingest_file(workspace.write("refused.jsonl", lines(second)), workspace.root)
    refuse(workspace.root, refused.batch, "one person")
    gone = {each.batch: each.rows for each in withdraw_annotator(workspace.root, "ann", "erasure request")}
    assert gone == {held.batch: 40, refused.batch: 40}
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
    assert _accepted(workspace).height == 40
    again = ingest_file(workspace.write("again.jsonl", lines(MANY + rows[-1:])), workspace.root)
    assert (again.accepted, again.duplicates) == (40, 1)


@pytest.mark.parametrize("renames", [1, 2])
def test_a_killed_withdrawal_leaves_the_batch_as_it_was_or_without(workspace, monkeypatch, renames):
    result = workspace.ingest(workspace.write("b.jsonl", lines(MANY)))
    left = iter(range(renames))
    original = Path.rename
    monkeypatch.setattr(
        Path, "rename", lambda path, to: original(path, to) if next(left, None) is not None else _die()
    )
    try:
        withdraw_annotator(workspace.root, "ann-1", "erasure request")
        finished = True
    except KeyboardInterrupt:
        finished = False
    monkeypatch.undo()
    # Whoever comes next, by whatever command, finds the store in order: no row twice, and none lost but theirs.
    again = ingest_file(workspace.write("again.jsonl", lines(MANY[::-1])), workspace.root)
    rows = _accepted(workspace)
    assert rows["digest"].n_unique() == rows.height
    assert (again.accepted, rows.height) == (0, 35 if finished else 40)
    assert withdraw_annotator(workspace.root, "ann-1", "again") == (
        [] if finished else [Withdrawal(result.batch, 5, 0)]
    )
    assert sorted(path.name for path in (workspace.root / "feedback").iterdir())[0][0] != "."
    assert not (workspace.root / "staging").exists()


def test_nobody_of_that_name(workspace):
    workspace.ingest(workspace.write("b.jsonl", lines(MANY)))
    before = {path: path.stat().st_mtime_ns for path in (workspace.root / "feedback").rglob("*")}
    assert withdraw_annotator(workspace.root, "ann", "why") == []
    assert {path: path.stat().st_mtime_ns for path in (workspace.root / "feedback").rglob("*")} == before


def test_the_parameters_say_when_a_batch_waits(workspace):
    params = FeedbackParams(hold=HoldParams(dominance=1.0))
    path = workspace.write("b.jsonl", lines(ONE_PERSON))
    assert ingest_file(path, workspace.root, params=params).status == "accepted"


def _quarantine(workspace, result):
    path = workspace.root / "quarantine" / result.batch / "rows.jsonl"
    return path.read_text(encoding="ascii").splitlines()


def _dying_at(write, name):
    """The function, but for one file: before that the process dies."""
    return lambda path, value: _die() if path.name == name else write(path, value)


def _die(*_, **__):
    raise KeyboardInterrupt
