"""What counts as one judgement, within a batch and across batches, and who contradicts himself."""

from __future__ import annotations

import pytest
from batch_files import PAIR, lines, pairs


def _ab(preferred, **fields):
    return {
        "prompt": "Name a colour.",
        "response_a": "Blue.",
        "response_b": "Seven.",
        "preferred": preferred,
        **fields,
    }


ANN, BOB = {"annotator": "ann"}, {"annotator": "bob"}
AT = {"created_at": "2025-03-03T08:00:00Z"}


RATED, DONE = {"prompt": "p", "response": "r", "rating": 3}, {"prompt": "p", "response": "r"}
TURNED = {"response_a": "Seven.", "response_b": "Blue."}
#: Two records of one format, and whether the second repeats the first.
CASES = [
    # Nobody is named: without ids the whole record has to be the same, with ids the id tells.
    (PAIR, PAIR, True),
    (PAIR, PAIR | AT, False),
    (PAIR, PAIR | {"page": 2}, False),
    (PAIR, PAIR | {"id": 1}, False),
    (PAIR | {"id": 1}, PAIR | {"id": 2}, False),
    (PAIR | {"id": 1}, PAIR | {"id": "1", "page": 2} | AT, True),
    # Named people: who, which texts, which label.
    (PAIR | ANN, PAIR | ANN, True),
    (PAIR | ANN | {"id": 1}, PAIR | ANN | {"id": 2, "page": 3} | AT, True),
    (PAIR | ANN, PAIR | BOB, False),
    (PAIR | ANN, PAIR | ANN | {"chosen": "Blue"}, False),
    (PAIR | ANN, PAIR | ANN | {"prompt": "Name one colour."}, False),
    (PAIR | ANN, PAIR | ANN | {"strength": 0.5}, False),
    # A pair is a pair in either order.
    (_ab("a", **ANN), _ab("b", **ANN) | TURNED, True),
    (_ab("tie", **ANN), _ab("tie", **ANN) | TURNED, True),
    (_ab("tie", **ANN), _ab("a", **ANN), False),
    (RATED | ANN, RATED | ANN | {"id": 4}, True),
    (RATED | ANN, RATED | ANN | {"rating": 4}, False),
    (DONE | ANN, DONE | ANN | AT, True),
    (DONE | ANN, DONE | BOB, False),
]


@pytest.mark.parametrize(("first", "second", "repeats"), CASES)
def test_repeats_within_a_batch(workspace, first, second, repeats):
    result = workspace.ingest_rows(first, second)
    assert (result.read, result.accepted, result.duplicates) == (2, 2 - repeats, int(repeats))


#: Two records of different formats.
MIXED = [(PAIR | ANN, _ab("a", **ANN), True), (DONE | ANN, RATED | ANN, False)]


@pytest.mark.parametrize(("first", "second", "repeats"), [*CASES, *MIXED])
def test_repeats_across_batches(workspace, first, second, repeats):
    workspace.ingest(workspace.write("one.jsonl", lines([first])))
    # The blank line makes another file of what may be the same record.
    result = workspace.ingest(workspace.write("two.jsonl", "\n" + lines([second])))
    assert (result.status, result.accepted, result.duplicates) == ("accepted", 1 - repeats, int(repeats))


def test_a_repeat_is_kept_on_record_with_its_twin(workspace):
    first = workspace.ingest_rows(PAIR | ANN)
    second = workspace.ingest_rows(*pairs(1), PAIR | ANN | {"id": 9})
    (entry,) = workspace.refused(second)
    assert (entry["line"], entry["reason"]) == (2, "DUPLICATE")
    assert f"repeats a judgement of batch {first.batch}" in entry["message"]
    assert '"id": 9' in entry["raw"]
    assert second.reasons == {}


def test_a_batch_of_repeats_alone_is_accepted_and_adds_nothing(workspace):
    rows = [PAIR | ANN, PAIR | BOB]
    workspace.ingest_rows(*rows)
    result = workspace.ingest_rows(*reversed(rows))
    assert (result.status, result.read, result.accepted, result.duplicates) == ("accepted", 2, 0, 2)


def test_an_id_given_twice_belongs_to_the_first(workspace):
    first, second, third = (row | {"id": "x"} for row in pairs(3, **ANN))
    result = workspace.ingest_rows(first, second, first, third)
    assert (result.accepted, result.duplicates, result.reasons) == (1, 1, {"DUP_ID": 2})
    assert workspace.rows(result)["prompt"].to_list() == ["Name colour 0."]
    refused = [(entry["line"], entry["reason"]) for entry in workspace.refused(result)]
    assert refused == [(2, "DUP_ID"), (3, "DUPLICATE"), (4, "DUP_ID")]
    assert "was given to the judgement of line 1" in workspace.refused(result)[0]["message"]


def test_an_id_of_a_refused_row_is_free(workspace):
    result = workspace.ingest_rows(PAIR | {"id": "x", "chosen": ""}, PAIR | {"id": "x"})
    assert (result.accepted, result.reasons) == (1, {"EMPTY_RESP": 1})


@pytest.mark.parametrize(
    "other",
    [
        {"prompt": "Name a colour.", "chosen": "Seven.", "rejected": "Blue."},
        {"prompt": [{"role": "user", "content": "Name a colour."}], "chosen": "Seven.", "rejected": "Blue."},
    ],
)
def test_one_person_two_minds(workspace, other):
    result = workspace.ingest_rows(*pairs(2), PAIR | ANN, other | ANN, other | BOB)
    assert (result.accepted, result.reasons) == (3, {"SELF_CONFLICT": 2})
    assert [entry["line"] for entry in workspace.refused(result)] == [3, 4]


def test_two_people_may_disagree_and_nobody_can_contradict_himself(workspace):
    rows = [_ab("a", **ANN), _ab("b", **BOB), _ab("tie", id=1), _ab("a", id=2), _ab("b", id=3)]
    assert workspace.ingest_rows(*rows).accepted == 5


def test_a_repeated_contradiction_is_one_repeat_and_two_conflicts(workspace):
    result = workspace.ingest_rows(*pairs(1), _ab("a", **ANN), _ab("a", **ANN, id=7), _ab("b", **ANN))
    assert (result.accepted, result.duplicates, result.reasons) == (1, 1, {"SELF_CONFLICT": 2})


def test_one_record_can_contradict_itself(workspace):
    votes = [{"worker": "w", "value": "a1"}, {"worker": "w", "value": "a2"}]
    row = {"topic": "t", "stance": "s", "a1": "x", "a2": "y", "votes": votes}
    entry = workspace.fault(row, beside=row | {"votes": [{"worker": "v", "value": "a1"}]})
    assert entry["reason"] == "SELF_CONFLICT"


def test_votes_of_which_one_is_anonymous_are_told_apart_by_id(workspace):
    votes = [{"worker": "w", "value": "a1"}, {"worker": None, "value": "a1"}]
    row = {"topic": "t", "stance": "s", "a1": "x", "a2": "y", "votes": votes}
    result = workspace.ingest_rows(row | {"id": 1}, row | {"id": 2}, row | {"id": 1, "gold": "a1"})
    assert (result.accepted, result.duplicates) == (2, 1)
