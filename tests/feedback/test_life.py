"""What people do with a batch: release and mend."""

from __future__ import annotations

import csv
import io
import json

import pytest
from batch_files import PAIR, lines, pairs
from life_case import MANY, ONE_PERSON, accepted, die, dying_at, quarantined

from components.config import FeedbackParams, HoldParams
from components.errors import FeedbackError
from components.feedback import commits, store
from components.feedback.ingestion import ingest_file
from components.feedback.life.decisions import refuse, release
from components.feedback.life.mending import as_csv, refused_rows, retry
from components.feedback.life.withdrawal import withdraw_batch


def test_a_held_batch_waits_outside_the_feedback(workspace, held):
    assert accepted(workspace).height == 0
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
    rows = accepted(workspace)
    assert rows["batch"].value_counts(sort=True).rows() == [(others.batch, 42), (held.batch, 38)]
    assert rows["digest"].n_unique() == 80
    assert not (workspace.root / "held" / held.batch).exists()
    refused = [json.loads(line) for line in quarantined(workspace, held)]
    assert [entry["reason"] for entry in refused] == ["EMPTY_RESP", "DUPLICATE", "DUPLICATE"]
    assert json.loads(refused[1]["raw"])["prompt"] == ONE_PERSON[0]["prompt"]
    (event,) = manifest.events
    assert (event["what"], event["why"]) == ("released", "she is our expert")
    # From now on they are known.
    third = ingest_file(workspace.write("third.jsonl", lines([*MANY, *ONE_PERSON])), workspace.root)
    assert (third.accepted, third.duplicates) == (0, 80)


def _killed_release(workspace, held, monkeypatch):
    """A release that dies when the batch is accepted and still lies where it waited."""
    monkeypatch.setattr(commits, "remove_batch", die)
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
    assert accepted(workspace).height == 40


def test_what_is_released_cannot_be_refused(workspace, held, monkeypatch):
    _killed_release(workspace, held, monkeypatch)
    with pytest.raises(FeedbackError, match="there is no batch"):
        refuse(workspace.root, held.batch, "too late")
    assert [manifest.status for manifest in store.list_manifests(workspace.root)] == ["accepted"]


def test_a_release_that_was_killed_and_done_again_tells_of_repeats_once(workspace, held, monkeypatch):
    ingest_file(workspace.write("others.jsonl", lines(MANY + ONE_PERSON[:2])), workspace.root)
    monkeypatch.setattr(commits, "write_json", dying_at(commits.write_json, "quality.json"))
    with pytest.raises(KeyboardInterrupt):
        release(workspace.root, held.batch, "")
    monkeypatch.undo()
    manifest = release(workspace.root, held.batch, "")
    assert (manifest.accepted, manifest.quarantined, manifest.duplicates) == (38, 1, 2)
    assert len(quarantined(workspace, held)) == 3


def test_a_batch_that_was_killed_before_it_could_wait_is_taken_in_again(workspace, monkeypatch):
    monkeypatch.setattr(commits, "write_json", dying_at(commits.write_json, "quality.json"))
    path = workspace.write("held.jsonl", lines(ONE_PERSON))
    with pytest.raises(KeyboardInterrupt):
        ingest_file(path, workspace.root)
    monkeypatch.undo()
    result = ingest_file(path, workspace.root)
    assert (result.status, store.scan_rows(workspace.root / "held" / result.batch).collect().height) == (
        "held",
        40,
    )


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


def test_the_parameters_say_when_a_batch_waits(workspace):
    params = FeedbackParams(hold=HoldParams(dominance=1.0))
    path = workspace.write("b.jsonl", lines(ONE_PERSON))
    assert ingest_file(path, workspace.root, params=params).status == "accepted"
