"""A row that corrects another: the other is withdrawn by its line, and the one that was refused comes in."""

from __future__ import annotations

import json

import pytest
from batch_files import PAIR, lines, pairs
from life_case import accepted

from components.errors import FeedbackError
from components.feedback import store
from components.feedback.ingestion import ingest_file
from components.feedback.life.mending import retry
from components.feedback.life.withdrawal import withdraw_lines

SEVERAL = [{**row, "id": f"r-{number}"} for number, row in enumerate(pairs(6))]


def _corrected(*numbers):
    turned = {"chosen": PAIR["rejected"], "rejected": PAIR["chosen"]}
    return [row | turned if number in numbers else row for number, row in enumerate(SEVERAL)]


@pytest.fixture
def conflict(workspace):
    """A batch, and another that corrects its lines 2 and 3."""
    first = workspace.ingest(workspace.write("first.jsonl", lines(SEVERAL)))
    rows = [*_corrected(1, 2), *pairs(6, id="x", annotator="cy")[:1]]
    second = workspace.ingest(workspace.write("second.jsonl", lines(rows)))
    assert (second.accepted, second.duplicates, second.reasons) == (1, 4, {"ID_CONFLICT": 2})
    return first, second


def _preferred(workspace):
    rows = accepted(workspace).filter(row_id="r-1")
    return [(answers[0], votes[0]["label"]) for answers, votes in rows.select("responses", "votes").rows()]


def test_the_very_file_is_retried(workspace, conflict):
    first, second = conflict
    file = workspace.folder / "second.jsonl"
    # As long as nothing has changed, nothing happens.
    assert retry(workspace.root, second.batch, file).status == "already_ingested"
    assert len(store.list_manifests(workspace.root)) == 2
    withdraw_lines(workspace.root, first.batch, [2], "corrected")
    third = retry(workspace.root, second.batch, file)
    assert (third.status, third.read, third.accepted, third.duplicates) == ("accepted", 7, 1, 5)
    assert third.reasons == {"ID_CONFLICT": 1}
    assert third.batch == f"retry-1-{second.batch}"
    assert workspace.manifest(third)["retries"] == second.batch
    assert _preferred(workspace) == [("Seven.", 1.0)]
    # Done again it changes nothing, until the other row is free, too.
    assert retry(workspace.root, second.batch, file).status == "already_ingested"
    withdraw_lines(workspace.root, first.batch, [3], "corrected")
    fourth = retry(workspace.root, second.batch, file)
    assert (fourth.batch, fourth.accepted, fourth.duplicates) == (f"retry-2-{second.batch}", 1, 6)
    assert accepted(workspace).height == 7
    assert ingest_file(file, workspace.root).status == "already_ingested"


def test_a_retry_that_was_declared_by_name_is_no_other_batch_of_that_name(workspace):
    first = workspace.ingest(workspace.write("first.jsonl", lines(SEVERAL)))
    file = workspace.write("second.jsonl", lines(_corrected(1)[:2]))
    workspace.write("second.jsonl.declared.json", json.dumps({"batch": "october"}))
    second = ingest_file(file, workspace.root)
    assert workspace.manifest(second)["declared"] == "october"
    withdraw_lines(workspace.root, first.batch, [2], "corrected")
    assert retry(workspace.root, second.batch, file).accepted == 1


def test_a_mended_file_may_be_declared_as_the_batch_it_mends(workspace):
    """As the remedy of ID_REUSE says; and again, for what the first mending left."""
    rows, mended = pairs(12), pairs(2, page=2)
    bad = [row | {"chosen": ""} for row in mended]

    def write(name, *more):
        workspace.write(f"{name}.declared.json", json.dumps({"batch": "october"}))
        return workspace.write(name, lines([*rows, *more]))

    first = workspace.ingest(write("first.jsonl", *bad))
    assert (first.accepted, first.quarantined) == (12, 2)
    second = retry(workspace.root, first.batch, write("second.jsonl", mended[0], bad[1]))
    assert (second.status, second.accepted) == ("accepted", 1)
    third = retry(workspace.root, second.batch, write("third.jsonl", *mended))
    assert (third.status, third.accepted) == ("accepted", 1)
    assert workspace.ingest(write("other.jsonl", *pairs(2, page=3))).reasons == {"ID_REUSE": 1}


def test_what_a_line_said_cannot_come_in_again(workspace, conflict):
    first, _ = conflict
    withdraw_lines(workspace.root, first.batch, [1, 3], "wrong")
    manifest = store.read_manifest(workspace.root / "feedback" / first.batch)
    assert (manifest.accepted, manifest.withdrawn, manifest.status) == (4, 2, "accepted")
    assert manifest.events[-1]["why"] == "line 1, 3: wrong"
    again = workspace.ingest(workspace.write("again.jsonl", lines(SEVERAL[::-1])))
    assert (again.accepted, again.duplicates) == (0, 6)
    told = {each["line"]: each["raw"] for each in workspace.refused(again) if each["reason"] == "WITHDRAWN"}
    assert told == {4: "[withdrawn]", 6: "[withdrawn]"}


def test_a_line_that_nobody_can_mean(workspace, conflict):
    first, second = conflict
    with pytest.raises(FeedbackError, match="has no accepted row of line 7"):
        withdraw_lines(workspace.root, first.batch, [1, 7], "why")
    assert accepted(workspace).height == 7
    with pytest.raises(FeedbackError, match="has no accepted row of line 2"):
        withdraw_lines(workspace.root, second.batch, [2], "why")
    one_line = workspace.ingest(workspace.write("array.json", json.dumps(pairs(3, annotator="dee"))))
    with pytest.raises(FeedbackError, match=r"line 1 of array-.* holds 3 rows"):
        withdraw_lines(workspace.root, one_line.batch, [1], "why")
