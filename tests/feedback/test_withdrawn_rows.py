"""What was withdrawn cannot come in again, whatever becomes of its batch; and what it says is not kept again."""

from __future__ import annotations

import json

import pytest
from batch_files import PAIR, lines, pairs
from life_case import MANY, ONE_PERSON, accepted, die

from components.feedback import commits, store
from components.feedback.ingestion import ingest_file
from components.feedback.life.decisions import refuse, release
from components.feedback.life.withdrawal import withdraw_annotator, withdraw_batch

BOBS = pairs(3, annotator="bob", page=2)


@pytest.fixture
def held(workspace):
    result = ingest_file(workspace.write("held.jsonl", lines([*ONE_PERSON, *BOBS])), workspace.root)
    assert (result.status, result.accepted) == ("held", 43)
    return result


def _bring_bobs(workspace, name="again.jsonl"):
    """Rows of others, with Bob's among them; how many were accepted and how many known."""
    result = ingest_file(workspace.write(name, lines([*MANY, *BOBS])), workspace.root)
    assert result.status == "accepted"
    return result


def test_while_the_batch_waits(workspace, held):
    withdraw_annotator(workspace.root, "bob", "erasure request")
    result = _bring_bobs(workspace)
    assert (result.accepted, result.duplicates) == (40, 3)
    entries = workspace.refused(result)
    assert all(
        f"repeats a judgement of batch {held.batch} (withdrawn)" in each["message"] for each in entries
    )
    assert {(each["reason"], each["raw"]) for each in entries} == {("WITHDRAWN", "[withdrawn]")}


def test_after_it_was_released(workspace, held):
    withdraw_annotator(workspace.root, "bob", "erasure request")
    assert release(workspace.root, held.batch, "").accepted == 40
    result = _bring_bobs(workspace)
    assert (result.accepted, result.duplicates) == (40, 3)
    assert accepted(workspace)["batch"].value_counts(sort=True)["count"].to_list() == [40, 40]


def test_after_it_was_refused_before_or_later(workspace, held):
    refuse(workspace.root, held.batch, "one person")
    withdraw_annotator(workspace.root, "bob", "erasure request")
    assert _bring_bobs(workspace).duplicates == 3


def test_after_all_of_it_was_withdrawn(workspace, held):
    withdraw_annotator(workspace.root, "ann", "erasure request")
    withdraw_annotator(workspace.root, "bob", "erasure request")
    assert store.read_manifest(workspace.root / "held" / held.batch).status == "withdrawn"
    result = _bring_bobs(workspace)
    assert (result.accepted, result.duplicates) == (40, 3)


def test_every_file_that_comes_later_is_held_against_it(workspace, held):
    withdraw_annotator(workspace.root, "bob", "erasure request")
    for number in range(3):
        new = PAIR | {"annotator": "cy", "prompt": f"Name plant {number}."}
        result = workspace.ingest(workspace.write(f"later-{number}.jsonl", lines([new, BOBS[0]])))
        assert (result.accepted, result.duplicates) == (1, 1)


def test_what_others_said_of_the_same_texts_may_come_in(workspace, held):
    withdraw_annotator(workspace.root, "bob", "erasure request")
    result = workspace.ingest(workspace.write("cy.jsonl", lines(pairs(3, annotator="cy"))))
    assert (result.accepted, result.duplicates) == (3, 0)


def test_a_withdrawal_that_was_killed_is_done_again(workspace, held, monkeypatch):
    monkeypatch.setattr(commits, "replace_batch", die)
    with pytest.raises(KeyboardInterrupt):
        withdraw_annotator(workspace.root, "bob", "erasure request")
    monkeypatch.undo()
    # What is to go is remembered, and still there.
    room = workspace.root / "quarantine"
    assert (room / "withdrawn.parquet").exists()
    assert store.scan_rows(workspace.root / "held" / held.batch).collect().height == 43
    assert [manifest.batch for manifest in store.list_manifests(workspace.root)] == [held.batch]
    (room / ".withdrawn.parquet.0123.tmp").write_bytes(b"half")
    assert _bring_bobs(workspace).duplicates == 3
    assert not (room / ".withdrawn.parquet.0123.tmp").exists()
    assert withdraw_annotator(workspace.root, "bob", "again").gone[0].rows == 3
    assert release(workspace.root, held.batch, "").accepted == 40
    third = workspace.ingest(workspace.write("third.jsonl", lines([*BOBS, PAIR | {"annotator": "cy"}])))
    assert (third.accepted, third.duplicates) == (1, 3)
    assert accepted(workspace).height == 81


def _is_kept(workspace, text):
    files = (path for path in workspace.root.rglob("*") if path.is_file())
    return any(text in path.read_bytes() for path in files)


ZELDA = [PAIR | {"prompt": f"Tell secret {n} of mine.", "annotator": "zelda-quine"} for n in range(3)]


def test_a_persons_text_that_is_sent_again_is_not_kept(workspace):
    first = workspace.write("first.jsonl", lines([*MANY, *ZELDA]))
    assert workspace.ingest(first).accepted == 43
    assert _is_kept(workspace, b"zelda-quine")
    withdraw_annotator(workspace.root, "zelda-quine", "erasure request")
    assert ingest_file(first, workspace.root).status == "already_ingested"
    again = workspace.ingest(
        workspace.write("again.jsonl", lines([*ZELDA, *MANY, *pairs(1, annotator="cy")]))
    )
    assert (again.read, again.accepted, again.quarantined, again.duplicates) == (44, 1, 0, 43)
    entries = workspace.refused(again)
    assert [(each["line"], each["reason"]) for each in entries[:4]] == [
        (1, "WITHDRAWN"), (2, "WITHDRAWN"), (3, "WITHDRAWN"), (4, "DUPLICATE"),
    ]  # fmt: skip
    assert entries[0]["message"].startswith("again.jsonl line 1: was withdrawn, as a whole or in part: ")
    assert entries[0]["message"].endswith("; nothing: what was withdrawn cannot come in again")
    assert entries[3]["raw"] == lines(MANY[:1]).strip()
    assert not _is_kept(workspace, b"zelda-quine")
    assert not _is_kept(workspace, b"of mine")


def test_a_vote_that_was_withdrawn_is_not_kept_again_with_those_of_others(workspace):
    people = [{"value": "response_1", "user_id": who} for who in ("ann", "bob", "zelda-quine")]
    votes = [
        {"id": f"r-{n}", "fields": {"prompt": f"Name colour {n}.", "response_1": "Blue.", "response_2": "Seven."},
         "responses": {"preference": people}} for n in range(4)
    ]  # fmt: skip
    assert workspace.ingest(workspace.write("first.json", json.dumps(votes))).accepted == 4
    withdraw_annotator(workspace.root, "zelda-quine", "erasure request")
    assert accepted(workspace)["votes"].list.len().to_list() == [2] * 4
    again = workspace.ingest(workspace.write("again.json", json.dumps(votes[::-1])))
    assert (again.accepted, again.duplicates) == (0, 4)
    assert {each["reason"] for each in workspace.refused(again)} == {"WITHDRAWN"}
    assert not _is_kept(workspace, b"zelda-quine")


def test_a_row_that_is_released_after_the_same_was_withdrawn_is_not_kept(workspace, held):
    others = ingest_file(workspace.write("others.jsonl", lines([*MANY, *BOBS])), workspace.root)
    withdraw_batch(workspace.root, others.batch, "licence ended")
    manifest = release(workspace.root, held.batch, "")
    assert (manifest.accepted, manifest.duplicates, manifest.reasons) == (40, 3, {})
    assert [each["raw"] for each in workspace.refused(held)] == ["[withdrawn]"] * 3
