"""What is on record of a batch is true again after rows left it."""

from __future__ import annotations

import json

from batch_files import PAIR, lines, pairs
from life_case import MANY, ONE_PERSON

from components.config import FeedbackParams, HoldParams
from components.feedback import store
from components.feedback.ingestion import ingest_file
from components.feedback.life.decisions import refuse, release
from components.feedback.life.withdrawal import withdraw_annotator, withdraw_batch

BOLD = {"chosen": "<b>Blue</b>."}


def _tagged(rows, *numbers):
    """Rows of which some have HTML, which is a tag."""
    return [row | BOLD if number in numbers else row for number, row in enumerate(rows)]


def _on_record(workspace, room, result):
    """The manifest, which is the same beside the refused rows."""
    manifest = workspace.manifest(result, room)
    assert manifest == workspace.manifest(result, "quarantine")
    return manifest


def test_tags_are_of_the_rows_that_are_left(workspace):
    # Rows 1 and 9 are by ann-1, row 2 by ann-2.
    rows = _tagged(MANY, 1, 9, 2)
    rows[2] |= {"rejected": "=1+1"}
    result = workspace.ingest(workspace.write("b.jsonl", lines([*rows, PAIR | {"chosen": ""}])))
    assert result.tags == {"HTML": 3, "FORMULA": 1}
    withdraw_annotator(workspace.root, "ann-1", "erasure request")
    manifest = _on_record(workspace, "feedback", result)
    assert manifest["tags"] == {"HTML": 1, "FORMULA": 1}
    assert (manifest["read"], manifest["accepted"], manifest["quarantined"], manifest["withdrawn"]) == (
        41, 35, 1, 5,
    )  # fmt: skip
    withdraw_batch(workspace.root, result.batch, "licence ended")
    manifest = _on_record(workspace, "feedback", result)
    assert (manifest["tags"], manifest["findings"], manifest["withdrawn"]) == ({}, [], 40)
    assert [each.status for each in store.list_manifests(workspace.root)] == ["withdrawn"]


def test_a_release_counts_what_it_lets_in(workspace):
    held = ingest_file(workspace.write("held.jsonl", lines(_tagged(ONE_PERSON, 0, 1, 5))), workspace.root)
    workspace.ingest(workspace.write("others.jsonl", lines(MANY + _tagged(ONE_PERSON, 0, 1)[:2])))
    assert (held.status, held.tags) == ("held", {"HTML": 3})
    release(workspace.root, held.batch, "she is our expert")
    manifest = _on_record(workspace, "feedback", held)
    assert (manifest["accepted"], manifest["duplicates"], manifest["tags"]) == (38, 2, {"HTML": 1})
    assert "'ann' gave 38 of 38 judgements" in manifest["findings"][0]["message"]
    quality = json.loads((workspace.root / "feedback" / held.batch / "quality.json").read_text())
    assert (quality["figures"]["rows"], quality["figures"]["votes"]) == (38, 38)
    assert quality["findings"] == manifest["findings"]


def test_a_release_of_all_rows_is_not_looked_at_again(workspace):
    held = ingest_file(workspace.write("held.jsonl", lines(ONE_PERSON)), workspace.root)
    before = (workspace.root / "held" / held.batch / "quality.json").read_bytes()
    release(workspace.root, held.batch, "")
    assert (workspace.root / "feedback" / held.batch / "quality.json").read_bytes() == before


def test_a_batch_that_waits_is_looked_at_again_when_rows_left_it(workspace):
    held = ingest_file(
        workspace.write("held.jsonl", lines([*ONE_PERSON, *pairs(3, page=2, annotator="bob")])),
        workspace.root,
    )
    withdraw_annotator(workspace.root, "bob", "erasure request")
    manifest = _on_record(workspace, "held", held)
    assert manifest["status"] == "held"
    assert "'ann' gave 40 of 40 judgements" in manifest["message"]
    quality = json.loads((workspace.root / "held" / held.batch / "quality.json").read_text())
    assert (quality["figures"]["rows"], quality["findings"]) == (40, manifest["findings"])


def test_a_batch_may_have_nothing_left_to_wait_for(workspace):
    held = ingest_file(workspace.write("held.jsonl", lines([*ONE_PERSON, *MANY[:24]])), workspace.root)
    assert held.status == "held"
    withdraw_annotator(workspace.root, "ann", "erasure request")
    manifest = _on_record(workspace, "held", held)
    assert (manifest["status"], manifest["findings"]) == ("held", [])
    assert manifest["message"] == "what it waited for left with the rows that were withdrawn"
    assert release(workspace.root, held.batch, "").accepted == 24


def test_the_parameters_hold_when_a_batch_is_looked_at_again(workspace):
    params = FeedbackParams(hold=HoldParams(dominance=0.5))
    path = workspace.write("held.jsonl", lines([*ONE_PERSON, *MANY[:24]]))
    held = ingest_file(path, workspace.root, params=params)
    withdraw_annotator(
        workspace.root, "ann-1", "erasure request", FeedbackParams(hold=HoldParams(dominance=1.0))
    )
    assert workspace.manifest(held, "held")["findings"] == []


def test_what_was_found_of_an_accepted_batch_is_told_without_its_old_numbers(workspace):
    longer = {"chosen": "Blue, as the sky is blue on a day without a cloud."}
    rows = [row | longer for row in MANY]
    result = workspace.ingest(workspace.write("b.jsonl", lines(rows)))
    (before,) = workspace.manifest(result)["findings"]
    assert (before["code"], before["figures"]["longer"]) == ("LENGTH_BIAS", 1.0)
    withdraw_annotator(workspace.root, "ann-1", "erasure request")
    manifest = _on_record(workspace, "feedback", result)
    assert manifest["findings"] == [
        before | {"message": "found when the batch came in; rows were withdrawn since", "figures": {}}
    ]
    assert not (workspace.root / "feedback" / result.batch / "quality.json").exists()


def test_a_refused_batch_is_counted_too(workspace):
    held = ingest_file(
        workspace.write("held.jsonl", lines(_tagged([*ONE_PERSON, *MANY[:3]], 0, 41))), workspace.root
    )
    refuse(workspace.root, held.batch, "she clicked through")
    withdraw_annotator(workspace.root, "ann", "erasure request")
    manifest = workspace.manifest(held, "quarantine")
    assert (manifest["status"], manifest["accepted"], manifest["withdrawn"], manifest["tags"]) == (
        "refused", 3, 40, {"HTML": 1},
    )  # fmt: skip
    assert manifest["message"] == "she clicked through"
