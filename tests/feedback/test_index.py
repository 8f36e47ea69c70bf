"""The index follows what lies in data/feedback, and needs nothing but that."""

from __future__ import annotations

import json
import shutil
import tempfile
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from batch_files import PAIR, Workspace, lines, pairs
from hypothesis import given
from hypothesis import strategies as st

from components.feedback.entries import ENTRIES
from components.feedback.faults import by_place
from components.feedback.index import FILE, open_index

SIGNED = [{**row, "annotator": "ann"} for row in pairs(5)]


def _index_file(workspace):
    return workspace.folder / ".rlhf" / FILE


def _again(workspace, name="again.jsonl"):
    return workspace.ingest(
        workspace.write(name, lines([*SIGNED, SIGNED[0] | {"prompt": f"New in {name}?"}]))
    )


@pytest.mark.parametrize("damage", ["lost", "garbage", "cut", "pages"])
def test_a_lost_or_damaged_index_is_made_anew(workspace, damage):
    workspace.ingest(workspace.write("first.jsonl", lines(SIGNED)))
    file = _index_file(workspace)
    if damage == "lost":
        file.unlink()
    else:
        content = file.read_bytes()
        # The first page is sound, and what it points to is not.
        pages = content[:4096] + b"\xff" * (len(content) - 4096)
        file.write_bytes({"garbage": b"no database", "cut": content[:5000], "pages": pages}[damage])
    for leftover in file.parent.glob(f"{FILE}-*"):
        leftover.unlink()
    result = _again(workspace)
    assert (result.accepted, result.duplicates) == (1, 5)


def test_a_batch_that_is_gone_is_forgotten(workspace):
    first = workspace.ingest(workspace.write("first.jsonl", lines(SIGNED)))
    shutil.rmtree(workspace.root / "feedback" / first.batch)
    result = _again(workspace)
    assert (result.accepted, result.duplicates) == (6, 0)
    assert workspace.ingest(workspace.write("first.jsonl", lines(SIGNED))).status == "accepted"


def test_a_batch_that_comes_from_elsewhere_is_known(workspace, tmp_path):
    other = Workspace(tmp_path / "other")
    other.folder.mkdir()
    batch = other.ingest(other.write("theirs.jsonl", lines(SIGNED))).batch
    workspace.ingest(workspace.write("ours.jsonl", lines(pairs(1, annotator="bob"))))
    shutil.copytree(other.root / "feedback" / batch, workspace.root / "feedback" / batch)
    result = _again(workspace)
    assert (result.accepted, result.duplicates) == (1, 5)
    assert f"repeats a judgement of batch {batch}" in workspace.refused(result)[0]["message"]


def test_recent_is_what_came_last_also_in_an_index_made_anew(workspace):
    batches = [
        workspace.ingest(workspace.write(f"{name}.jsonl", lines(pairs(1, annotator=name)))) for name in "zam"
    ]
    for number, batch in enumerate(batches):
        path = workspace.root / "feedback" / batch.batch / "manifest.json"
        path.write_text(
            json.dumps(json.loads(path.read_text()) | {"created_at": f"2026-01-0{number + 1}T00:00:00+00:00"})
        )
    _index_file(workspace).unlink()
    with open_index(workspace.root) as index:
        assert index.recent() == [batch.batch for batch in reversed(batches)]


def test_an_id_of_another_batch_with_other_content(workspace):
    first = workspace.ingest_rows(PAIR | {"id": 7, "annotator": "ann"})
    other = PAIR | {"id": 7, "annotator": "ann", "prompt": "Another question?"}
    elsewhere = other | {"source": "another tool", "prompt": "A third?"}
    result = workspace.ingest_rows(other, elsewhere)
    assert (result.accepted, result.reasons) == (1, {"ID_CONFLICT": 1})
    (entry,) = workspace.refused(result)
    assert (entry["line"], entry["field"]) == (1, "id")
    assert f"line 1 of batch {first.batch}" in entry["message"]
    # The row that was refused claims nothing: mended, with an id of its own, it comes in.
    assert workspace.ingest_rows(other | {"id": 8}).accepted == 1


def _entries(*rows):
    """Of (digest, id), their places as they come."""
    table = [(place, place + 1, digest, key) for place, (digest, key) in enumerate(rows)]
    return pl.DataFrame(table, schema=ENTRIES, orient="row")


def _codes(faults):
    return {place: str(fault.code) for place, fault in by_place(faults).items()}


def test_claims_by_hand(tmp_path):
    with open_index(tmp_path / "data") as index:
        index.begin("one", "a" * 64)
        faults = index.add(_entries((b"A", "x"), (b"B", "x"), (b"A", "y"), (b"C", "y"), (b"B", None)))
        # What is refused claims nothing: neither B under A's id, nor A's repeat under the id that C has.
        assert _codes(faults) == {1: "DUP_ID", 2: "DUPLICATE"}


def _one_by_one(rows):
    """The same by the rule alone: who comes first claims, and what is refused claims nothing."""
    judgements, ids, faults = set(), set(), {}
    for place, (digest, key) in enumerate(rows):
        if digest in judgements:
            faults[place] = "DUPLICATE"
        elif key is not None and key in ids:
            faults[place] = "DUP_ID"
        else:
            judgements.add(digest)
            ids.add(key)
    return faults


@given(
    st.lists(st.tuples(st.integers(0, 9), st.one_of(st.none(), st.integers(0, 9))), max_size=25),
    st.sets(st.integers(1, 24)),
)
def test_claims_of_many_at_once_are_those_of_one_after_the_other(numbers, cuts):
    rows = [(b"%d" % digest, None if key is None else str(key)) for digest, key in numbers]
    entries = _entries(*rows)
    bounds = [0, *sorted(cut for cut in cuts if cut < len(rows)), len(rows)]
    found = {}
    with tempfile.TemporaryDirectory() as folder, open_index(Path(folder) / "data") as index:
        index.begin("one", "a" * 64)
        for start, end in pairwise(bounds):
            found |= _codes(index.add(entries[start:end]))
    assert found == _one_by_one(rows)
