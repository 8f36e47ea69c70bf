"""From judgements to feedback: all of it is accepted, once, and a kill at any line loses or doubles nothing."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import polars as pl
import pytest
from collecting.collect_case import add, lines, link, pairs, store_of, workspace

from components.collecting import export, judging
from components.collecting.assignment import Plan, next_pair
from components.collecting.judging import Answer, record
from components.collecting.store import DATABASE
from components.collecting.tokens import Form
from components.errors import BusyError, FeedbackError
from components.feedback.ingestion import ingest_file
from components.locks import exclusive
from flows.collect import writing
from flows.collect.writing import write_export, write_to_inbox

PLAN = Plan(seed=7, votes=3, gold_share=0.3)
ANSWERS = [
    Answer("left", "slightly", 4, 2, "The left one, improved.", "a remark"),
    Answer("right", "clearly", None, 5),
    Answer("tie"),
    Answer("bad", comment="both are wrong"),
    Answer("skip"),
    Answer("right", "slightly", edited="The right one, improved."),
]


def judge(root, monkeypatch, rows, names=("ann", "bob")):
    add(root, rows)
    store = store_of(root)
    now = iter(range(10, 100_000, 10))
    start = judging.time.time()
    monkeypatch.setattr(judging.time, "time", lambda: start + next(now))
    for number, name in enumerate(names, start=1):
        link(root, name)
        while (pair := next_pair(store, number, PLAN)) is not None:
            record(store, number, Form(pair.number, 0), ANSWERS[pair.number % len(ANSWERS)])
    monkeypatch.undo()
    return root


@pytest.fixture
def judged(root, monkeypatch):
    """Two people have judged twelve pairs; each judgement took 10 s or more."""
    return judge(root, monkeypatch, pairs(12, gold=3))


@pytest.fixture
def few(root, monkeypatch):
    return judge(root, monkeypatch, pairs(2), names=("ann",))


def accepted(root: Path) -> pl.DataFrame:
    parts = [*(root / "data/feedback").rglob("rows-*.parquet"), *(root / "data/held").rglob("rows-*.parquet")]
    return pl.concat([pl.read_parquet(part) for part in parts])


def test_ingestion_takes_every_row_and_everything_arrives(judged, root):
    written = write_export(root, root / "said.jsonl")
    assert [path.name for path in written] == ["said.jsonl", "said.edits.jsonl", "said.ratings.jsonl"]
    for path, count in written.items():
        result = ingest_file(path, root / "data")
        assert (result.read, result.accepted, result.quarantined) == (count, count, 0), result
    rows = accepted(root)
    stored = {row["id"]: row for row in lines(root / "said.jsonl")}
    for row in rows.filter(pl.col("kind") == "pairwise").iter_rows(named=True):
        said = stored[row["row_id"]]
        (vote,) = row["votes"]
        assert vote["label"] == {"a": 1.0, "tie": 0.5, "b": 0.0}[said["preferred"]]
        assert (row["annotator"], row["seconds"]) == (said["annotator"], said["seconds"])
        assert row["seconds"] >= 9
        assert row["strength"] == said.get("strength")
        assert row["gold"] == {"a": 1.0, "b": 0.0, None: None}[said.get("gold")]
        assert row["created_at"].isoformat() == said["created_at"]
    assert {said.get("strength") for said in stored.values()} == {0.5, 1.0, None}
    assert {said.get("gold") for said in stored.values()} == {"a", "b", None}
    assert any(said.get("both_bad") for said in stored.values())
    assert set(rows["kind"]) == {"pairwise", "edit", "rating"}
    assert set(rows["annotator"]) == {"ann", "bob"}


def test_gold_is_the_answer_that_is_right_on_whichever_side_it_stood(judged, root):
    write_export(root, root / "said.jsonl")
    for row in lines(root / "said.jsonl"):
        if "gold" in row:
            assert "bright screen" in row[f"response_{row['gold']}"]


def test_once_unless_all_is_wanted_and_ingesting_twice_doubles_nothing(judged, root):
    first = write_export(root, root / "said.jsonl")
    assert write_export(root, root / "more.jsonl") == {}
    again = write_export(root, root / "all.jsonl", everything=True)
    assert list(again.values()) == list(first.values())
    assert (root / "all.jsonl").read_bytes() == (root / "said.jsonl").read_bytes()
    ingest_file(root / "said.jsonl", root / "data")
    (root / "part.jsonl").write_bytes(b"".join((root / "all.jsonl").read_bytes().splitlines(True)[:-1]))
    result = ingest_file(root / "part.jsonl", root / "data")
    assert (result.accepted, result.duplicates) == (0, first[root / "said.jsonl"] - 1)


@pytest.mark.parametrize("taken", ["said.jsonl", "said.edits.jsonl", "said.ratings.jsonl"])
def test_a_file_that_is_there_is_not_replaced_and_nothing_counts_as_exported(few, root, taken):
    (root / taken).write_text("what somebody has not ingested yet")
    with pytest.raises(FeedbackError, match="there already") as caught:
        write_export(root, root / "said.jsonl")
    assert "a name that is not taken" in caught.value.remedy
    assert (root / taken).read_text() == "what somebody has not ingested yet"
    assert [path.name for path in root.glob("said*")] == [taken]
    assert write_export(root, root / "other.jsonl")


def test_two_databases_give_no_id_twice(tmp_path, monkeypatch):
    """The same people, and tasks of the same ids: other pairs in one, the same ones judged anew in another."""
    found = []
    for number, start in enumerate((0, 0, 4)):
        root = workspace(tmp_path / f"project-{number}")
        rows = [row | {"id": str(at)} for at, row in enumerate(pairs(8)[start : start + 4])]
        judge(root, monkeypatch, rows)
        write_export(root, root / "said.jsonl")
        found.append({row["id"] for row in lines(root / "said.jsonl")})
    assert all(found)
    assert len(set.union(*found)) == sum(len(ids) for ids in found)
    for number in (0, 2):
        result = ingest_file(tmp_path / f"project-{number}" / "said.jsonl", tmp_path / "data")
        assert (result.accepted, result.quarantined) == (result.read, 0)


def test_an_id_is_of_the_pair_and_not_of_the_task_s_name_alone():
    row = {"origin": "o", "name": "ann", "task_id": "1", "digest": "d"}
    ids = {export._id(row | change) for change in ({}, {"digest": "e"}, {"origin": "p"}, {"name": "bob"})}
    assert len(ids) == 4


def test_one_export_at_a_time(judged, root):
    with (
        exclusive((root / DATABASE).with_suffix(".export.lock"), wait=False),
        pytest.raises(BusyError, match="another export"),
    ):
        write_export(root, root / "said.jsonl")


#: Where a kill may fall: between any two statements of these.
KILLED_IN = {
    module.__file__
    for module in (
        export,
        writing,
        *(sys.modules[name] for name in ("components.files", "components.exports", "flows.exports")),
    )
}
#: But not of these, which only make texts out of texts.
PURE = {
    "pairwise_row",
    "edit_row",
    "rating_row",
    "_signed",
    "_id",
    "_add",
    "json_lines",
    "<genexpr>",
    "<dictcomp>",
    "<listcomp>",
}


def killed_at(root: Path, line: int) -> bool:
    """Export in a process that ends, as by SIGKILL, before the given line it comes to; whether it got that far."""
    child = os.fork()
    if child == 0:
        left = line

        def trace(frame, event, _):
            nonlocal left
            if frame.f_code.co_filename not in KILLED_IN or frame.f_code.co_name in PURE:
                return None
            if event == "line":
                left -= 1
                if left < 0:
                    os._exit(9)
            return trace

        sys.settrace(trace)
        write_to_inbox(root, root / "inbox")
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def test_a_kill_between_any_two_statements_loses_and_doubles_nothing(few, root, tmp_path):
    expected = write_to_inbox(root, root / "expected", everything=True)
    whole = {path.name: path.read_bytes() for path in expected}
    _forget_exports(root)
    shutil.copytree(root / DATABASE.parent, tmp_path / "before")
    line = 0
    while True:
        for folder in (root / DATABASE.parent, root / "inbox"):
            shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(tmp_path / "before", root / DATABASE.parent)
        if not killed_at(root, line):
            break
        write_to_inbox(root, root / "inbox")
        found = {path.name: path.read_bytes() for path in (root / "inbox").glob("*.jsonl")}
        assert found == whole, line
        assert write_to_inbox(root, root / "inbox") == {}, line
        line += 1
    assert line > 80


def test_what_is_said_after_a_kill_comes_beside_what_was_written_and_counts_once(judged, root, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(writing, "finish_export", killed)
    with pytest.raises(KeyboardInterrupt):
        write_to_inbox(root, root / "inbox")
    monkeypatch.undo()
    before = set((root / "inbox").glob("collect-pairwise-*.jsonl"))
    assert before
    add(root, [pairs(14)[13]])
    store = store_of(root)
    pair = next_pair(store, 1, PLAN)
    record(store, 1, Form(pair.number, 0), Answer("left"))
    write_to_inbox(root, root / "inbox")
    files = sorted((root / "inbox").glob("collect-pairwise-*.jsonl"), key=lambda path: path not in before)
    results = [ingest_file(path, root / "data") for path in files]
    assert [result.accepted for result in results[1:]] == [1]
    assert sum(result.quarantined for result in results) == 0


def _forget_exports(root: Path) -> None:
    store = store_of(root)
    with store.writing() as connection:
        connection.execute("UPDATE judgements SET export = NULL")
        connection.execute("DELETE FROM exports")
    store.reading().execute("PRAGMA wal_checkpoint(TRUNCATE)")
