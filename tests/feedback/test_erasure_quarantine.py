"""What one person said in rows that were refused: a row that was never in a dataset is theirs, too."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from batch_files import PAIR, lines, pairs
from life_case import hold, quarantined

from components.errors import FeedbackError
from components.feedback import store
from components.feedback.ingestion import ingest_file
from components.feedback.life.decisions import refuse, release
from components.feedback.life.hushing import Hushed, hush
from components.feedback.life.person import Person
from components.feedback.life.withdrawal import Withdrawal, withdraw_annotator
from components.feedback.reasons import Reason, RowError
from components.feedback.sifting import refused_line


def _entries(workspace, result):
    return [json.loads(line) for line in quarantined(workspace, result)]


def _judged(number, *given):
    labels = dict(zip(("annotator1", "annotator2", "annotator3"), given, strict=True))
    return {
        "instruction": f"Name colour {number}.", "input": "", "response1": "Red.", "response2": "Seven.", **labels,
    }  # fmt: skip


def test_people_who_have_places_instead_of_names_own_the_refused_rows_of_their_format(workspace):
    """PandaLM's file names nobody: its second annotator is found in no text of it."""
    rows = [*(_judged(number, 1, 1, 2) for number in range(8)), _judged(9, 1, 3, 1), _judged(1, 1, 1, 2)]
    panda = workspace.ingest(workspace.write("panda.jsonl", lines(rows)))
    other = workspace.ingest(workspace.write("other.jsonl", lines([*pairs(8), PAIR | {"chosen": ""}])))
    assert (panda.accepted, panda.quarantined, panda.duplicates) == (8, 1, 1)
    erasure = withdraw_annotator(workspace.root, "pandalm-2", "erasure request")
    assert erasure.gone == [Withdrawal(panda.batch, rows=0, votes=8, refused=2)]
    assert [(each["line"], each["reason"], each["raw"], each["message"]) for each in _entries(workspace, panda)] == [
        (9, "RANGE", "[withdrawn]", "[withdrawn] RANGE"), (10, "DUPLICATE", "[withdrawn]", "[withdrawn] DUPLICATE"),
    ]  # fmt: skip
    assert "Seven." in _entries(workspace, other)[0]["raw"]
    # Once hushed, a row is nobody's.
    assert withdraw_annotator(workspace.root, "pandalm-1", "erasure request").gone[0].refused == 0


def test_a_name_that_the_file_spells_otherwise_is_found(workspace):
    rows = [*pairs(8), {**PAIR, "annotator": "rené/3", "chosen": ""}]
    text = lines(rows).replace("rené/3", "ren\\u00E9\\/3").replace("ren\\u00e9/3", "ren\\u00E9\\/3")
    result = workspace.ingest(workspace.write("b.jsonl", text))
    (entry,) = _entries(workspace, result)
    assert "ren\\u00E9\\/3" in entry["raw"]
    erasure = withdraw_annotator(workspace.root, "rené/3", "erasure request")
    assert erasure.gone == [Withdrawal(result.batch, rows=0, votes=0, refused=1)]
    assert _entries(workspace, result)[0]["raw"] == "[withdrawn]"


def test_a_number_for_a_name_hushes_no_row_of_others(workspace):
    def task(number, person, side):
        said = {"type": "pairwise", "value": {"selected": side}}
        return {
            "id": number,
            "data": {"prompt": f"Name colour {number}.", "answer1": "Red.", "answer2": "Seven.", "page": 7},
            "annotations": [{"id": 7, "completed_by": person, "result": [said]}],
        }

    tasks = [task(number, number, "left") for number in range(1, 9)] + [task(10, 7, "up"), task(7, 3, "up")]
    result = workspace.ingest(workspace.write("tasks.json", json.dumps(tasks)))
    assert (result.accepted, result.reasons) == (8, {"RANGE": 2})
    erasure = withdraw_annotator(workspace.root, "7", "erasure request")
    assert erasure.gone == [Withdrawal(result.batch, rows=1, votes=0, refused=1)]
    first, second = _entries(workspace, result)
    assert (first["raw"], '"completed_by": 3' in second["raw"]) == ("[withdrawn]", True)


def test_rows_of_which_nobody_can_tell_are_counted_and_left(workspace):
    text = lines(pairs(12, annotator="bob")) + '{"annotator": "bob", "prompt\n{"annotator": "ann", "prompt\n'
    result = workspace.ingest(workspace.write("b.jsonl", text))
    assert result.reasons == {"JSON": 2}
    erasure = withdraw_annotator(workspace.root, "ann", "erasure request")
    assert erasure.gone == [Withdrawal(result.batch, rows=0, votes=0, refused=1)]
    assert erasure.unreadable == {result.batch: 1}
    assert [entry["raw"] for entry in _entries(workspace, result)] == [
        '{"annotator": "bob", "prompt', "[withdrawn]",
    ]  # fmt: skip


def test_a_contradiction_is_hushed_with_its_message(workspace):
    rows = [*pairs(8, annotator="bob"), PAIR | {"annotator": "zelda"}]
    rows.append({**PAIR, "chosen": PAIR["rejected"], "rejected": PAIR["chosen"], "annotator": "zelda"})
    result = workspace.ingest(workspace.write("b.jsonl", lines(rows)))
    assert "'zelda' prefers both" in _entries(workspace, result)[0]["message"]
    withdraw_annotator(workspace.root, "zelda", "erasure request of zelda")
    _assert_nowhere(workspace, b"zelda")


def test_reasons_that_people_wrote_are_hushed(workspace):
    rows = [{**row, "annotator": "zelda"} for row in pairs(40)]
    held = ingest_file(workspace.write("held.jsonl", lines(rows)), workspace.root)
    refuse(workspace.root, held.batch, "zelda clicked through it")
    withdraw_annotator(workspace.root, "zelda", "zelda asked for it")
    manifest = store.read_manifest(workspace.root / "quarantine" / held.batch)
    assert [event["why"] for event in manifest.events] == [
        "[withdrawn] clicked through it", "[withdrawn] asked for it",
    ]  # fmt: skip
    _assert_nowhere(workspace, b"zelda")


@pytest.mark.parametrize("name", ["hold", "DOMINANT", "pairwise"])
def test_why_a_batch_waits_is_known_after_the_erasure_of_whoever_is_called_as_we_say_it(workspace, name):
    workspace.ingest(workspace.write("theirs.jsonl", lines(pairs(8, annotator=name))))
    held = hold(workspace)
    records = [workspace.root / "held" / held.batch / file for file in ("manifest.json", "quality.json")]
    records.append(workspace.root / "quarantine" / held.batch / "manifest.json")
    before = [record.read_bytes() for record in records]
    assert b'"kind": "pairwise"' in before[1]
    assert withdraw_annotator(workspace.root, name, "erasure request").gone[0].rows == 8
    assert [record.read_bytes() for record in records] == before
    refuse(workspace.root, held.batch, "one person")
    released = release(workspace.root, held.batch, "after all")
    assert [(found["code"], found["action"]) for found in released.findings] == [("DOMINANT", "hold")]


def test_batches_that_are_named_after_a_person_are_told(workspace):
    result = workspace.ingest(workspace.write("zelda 2.jsonl", lines(pairs(3))))
    erasure = withdraw_annotator(workspace.root, "zelda", "erasure request")
    assert (erasure.gone, erasure.named_after) == ([], [result.batch])


def test_a_killed_erasure_is_finished_when_it_is_done_again(workspace, monkeypatch):
    result = workspace.ingest(
        workspace.write("b.jsonl", lines([*pairs(8), *pairs(2, annotator="ann", chosen="")]))
    )
    folder = workspace.root / "quarantine" / result.batch
    before = (folder / "rows.jsonl").read_bytes()
    killed = folder / ".rows.jsonl.0123.tmp"
    killed.write_bytes(before[:100])
    assert hush(folder, Person("ann")) == Hushed(rows=2)
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "rows.jsonl"]
    assert hush(folder, Person("ann")) == Hushed()


def test_a_large_quarantine_is_hushed_line_by_line(workspace):
    """20 MB of refused rows, of which one has the name: memory holds a few lines."""
    result = workspace.ingest(workspace.write("b.jsonl", lines([*pairs(8), PAIR | {"chosen": ""}])))
    path = workspace.root / "quarantine" / result.batch / "rows.jsonl"
    fault = RowError(Reason.EMPTY_RESP, "chosen", "is empty")
    with path.open("w") as target:
        for number in range(20_000):
            raw = json.dumps({**PAIR, "prompt": "x" * 1000, "annotator": "ann" if number == 9_000 else "bob"})
            target.write(refused_line("b.jsonl", "line", number + 1, raw, fault))
    size = path.stat().st_size
    tracemalloc.start()
    hushed = hush(path.parent, Person("ann"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (hushed, size > 20e6, peak < 2e6) == (Hushed(rows=1), True, True)
    assert sum('"[withdrawn]"' in line for line in quarantined(workspace, result)) == 1


def test_a_damaged_record_is_told_and_nothing_is_changed(workspace):
    result = workspace.ingest(workspace.write("b.jsonl", lines([*pairs(8), PAIR | {"chosen": ""}])))
    (workspace.root / "quarantine" / result.batch / "manifest.json").write_text("{")
    with pytest.raises(FeedbackError, match="is not JSON"):
        withdraw_annotator(workspace.root, "ann", "erasure request")


def _assert_nowhere(workspace, name):
    for path in workspace.root.rglob("*"):
        assert path.is_dir() or name not in path.read_bytes(), path
