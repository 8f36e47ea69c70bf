"""The store: one commit a batch, whatever is killed or runs at the same time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from batch_files import PAIR, lines, pairs

from components.errors import FeedbackError
from components.feedback import store
from components.files import digest_tree, sha256_file

PROJECT = Path(__file__).parents[2]


def _tree(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def _python(code, *arguments):
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_manifests_say_what_happened(workspace):
    path = workspace.write("Week 1 (final).v2.jsonl", lines([PAIR, PAIR | {"id": 1, "chosen": ""}, PAIR]))
    result = workspace.ingest(path)
    sha256 = sha256_file(path)
    assert result.batch == f"week-1-final-{sha256[:8]}"
    folder = workspace.root / "feedback" / result.batch
    assert sorted(entry.name for entry in folder.iterdir()) == [
        "manifest.json", "quality.json", "rows-00000.parquet",
    ]  # fmt: skip
    manifest = workspace.manifest(result)
    created_at = manifest.pop("created_at")
    assert created_at.endswith("+00:00")
    assert manifest == {
        "batch": result.batch, "file": "Week 1 (final).v2.jsonl", "sha256": sha256, "format": "pairwise",
        "status": "accepted", "read": 3, "accepted": 1, "quarantined": 1, "duplicates": 1,
        "reasons": {"EMPTY_RESP": 1}, "parts": {"rows-00000.parquet": sha256_file(folder / "rows-00000.parquet")},
        "message": "", "remedy": "", "tags": {}, "findings": [], "withdrawn": 0, "retries": None, "declared": None,
        "licence": None, "automatic": False, "events": [], "schema_version": 2,
    }  # fmt: skip
    assert workspace.manifest(result, "quarantine") == manifest | {"created_at": created_at}


def test_the_result_as_json(workspace):
    path = workspace.write("b.jsonl", lines(pairs(2)))
    result = workspace.ingest(path)
    assert json.loads(json.dumps(result.to_json())) == {
        "file": str(path), "batch": result.batch, "status": "accepted", "read": 2, "accepted": 2, "quarantined": 0,
        "duplicates": 0, "reasons": {}, "message": "", "remedy": "", "tags": {}, "automatic": False,
    }  # fmt: skip


def test_the_same_file_again_writes_nothing(workspace):
    path = workspace.write("b.jsonl", lines([*pairs(3), PAIR | {"chosen": ""}]))
    first = workspace.ingest(path)
    renamed = workspace.write("other name.jsonl", path.read_bytes())
    before = _tree(workspace.root)
    for again in (workspace.ingest(path), workspace.ingest(renamed), workspace.ingest(path, "pairwise")):
        assert again.status == "already_ingested"
        assert again.batch == first.batch
        assert (again.read, again.accepted, again.quarantined, again.reasons) == (4, 3, 1, {"EMPTY_RESP": 1})
    assert _tree(workspace.root) == before


def test_a_rejected_file_is_rejected_again(workspace):
    path = workspace.write("b.jsonl", "garbage\n")
    first, second = workspace.ingest(path), workspace.ingest(path)
    assert first == second
    assert first.status == "rejected"


@pytest.mark.parametrize(
    ("name", "slug"),
    [("..jsonl", "batch"), ("../../etc/passwd.jsonl", "passwd"), ("%2e%2e.jsonl", "2e-2e"), ("Ärger.csv.gz", "rger"),
     ("批.json", "batch"), ("a" * 100 + ".jsonl", "a" * 60), ("-rf.jsonl", "rf")],
)  # fmt: skip
def test_batch_ids_are_safe_folder_names(tmp_path, name, slug):
    assert store.batch_id(tmp_path, Path(name).name, "0123456789abcdef" * 4) == f"{slug}-01234567"


def test_batches_that_share_eight_digits_keep_apart(workspace):
    result = workspace.ingest(workspace.write("b.jsonl", lines(pairs(1))))
    sha256 = workspace.manifest(result)["sha256"]
    assert store.batch_id(workspace.root, "b.jsonl", sha256) == result.batch
    other = sha256[:8] + "f" * 56
    assert store.batch_id(workspace.root, "b.jsonl", other) == f"b-{other}"


KILLED = """
    import os, pathlib, signal, sys
    from components.feedback.ingestion import ingest_file
    file, root, steps = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
    left = iter(range(steps))
    def counted(step):
        def run(*arguments, **named):
            if next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            return step(*arguments, **named)
        return run
    # Every change to the store is one of these.
    for name in ("replace", "rename", "write_bytes", "write_text"):
        setattr(pathlib.Path, name, counted(getattr(pathlib.Path, name)))
    ingest_file(file, root)
"""


@pytest.mark.parametrize("steps", range(9))
def test_a_kill_at_any_step_leaves_nothing_or_all(workspace, steps):
    """Steps: rows and refused rows, both again without the repeat; the quarantine's manifest and rename; quality,
    manifest, and the rename that commits.
    """
    kept = workspace.ingest(workspace.write("kept.jsonl", lines(pairs(1))))
    file = workspace.write("b.jsonl", lines([*pairs(5), PAIR | {"chosen": ""}]))
    process = _python(KILLED, file, workspace.root, steps)
    assert process.wait(60) == -signal.SIGKILL, process.stderr.read()
    assert store.read_accepted(workspace.root / "feedback")["batch"].unique().to_list() == [kept.batch]
    result = workspace.ingest(file)
    assert (result.status, result.read, result.accepted) == ("accepted", 6, 4)
    assert (result.quarantined, result.duplicates) == (1, 1)
    names = sorted(
        path.name for room in ("feedback", "quarantine") for path in (workspace.root / room).iterdir()
    )
    assert names == sorted([result.batch, kept.batch] * 2)


def test_all_steps_done_the_batch_is_there(workspace):
    file = workspace.write("b.jsonl", lines(pairs(5)))
    assert _python(KILLED, file, workspace.root, 9).wait(60) == 0
    assert workspace.ingest(file).status == "already_ingested"


def test_the_leftovers_of_a_killed_ingestion_are_swept_by_the_next_of_any_batch(workspace):
    killed = workspace.write("killed.jsonl", lines(pairs(2)))
    # Rows, the quarantine's manifest and rename, quality, manifest: all but the rename that commits.
    assert _python(KILLED, killed, workspace.root, 5).wait(60) == -signal.SIGKILL
    assert (workspace.root / "staging" / "rows" / "manifest.json").exists()
    result = workspace.ingest(workspace.write("next.jsonl", lines(pairs(1))))
    assert [path.name for path in (workspace.root / "feedback").iterdir()] == [result.batch]
    assert not (workspace.root / "staging").exists()


INGEST = """
    import json, pathlib, sys
    from components.feedback.ingestion import ingest_file
    print(json.dumps(ingest_file(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])).to_json()))
"""


def test_four_at_once_make_one_batch(workspace):
    file = workspace.write("b.jsonl", lines(pairs(300)))
    processes = [_python(INGEST, file, workspace.root) for _ in range(4)]
    results = [json.loads(process.communicate(timeout=120)[0]) for process in processes]
    statuses = sorted(result["status"] for result in results)
    assert statuses == ["accepted", "already_ingested", "already_ingested", "already_ingested"]
    assert {result["accepted"] for result in results} == {300}
    assert store.read_accepted(workspace.root / "feedback").height == 300


def test_two_files_at_once_do_not_take_the_same_judgement_twice(workspace):
    rows = [{**row, "annotator": f"ann-{number % 8}"} for number, row in enumerate(pairs(200))]
    files = [workspace.write("one.jsonl", lines(rows)), workspace.write("two.jsonl", lines(rows[::-1]))]
    processes = [_python(INGEST, file, workspace.root) for file in files]
    results = [json.loads(process.communicate(timeout=120)[0]) for process in processes]
    assert sorted((result["accepted"], result["duplicates"]) for result in results) == [(0, 200), (200, 0)]
    assert store.read_accepted(workspace.root / "feedback")["digest"].n_unique() == 200


def test_a_dead_process_holds_no_lock(workspace):
    lock = workspace.folder / ".rlhf" / "ingestion.lock"
    lock.parent.mkdir()
    code = "import fcntl, sys, time; fcntl.flock(open(sys.argv[1], 'w'), fcntl.LOCK_EX); print('held', flush=True); "
    process = _python(code + "time.sleep(60)", lock)
    assert process.stdout.readline() == "held\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    assert workspace.ingest(workspace.write("b.jsonl", lines(pairs(1)))).status == "accepted"


def test_accepted_rows_are_read_by_batch_and_line(workspace):
    empty = store.read_accepted(workspace.root / "feedback")
    assert (empty.height, empty.columns[-1]) == (0, "batch")
    second = workspace.ingest(workspace.write("z.jsonl", lines(pairs(2, annotator="z"))))
    first = workspace.ingest(workspace.write("a.jsonl", lines(pairs(2, annotator="a"))))
    rows = store.read_accepted(workspace.root / "feedback")
    assert list(zip(rows["batch"], rows["line"], strict=True)) == [
        (first.batch, 1), (first.batch, 2), (second.batch, 1), (second.batch, 2),
    ]  # fmt: skip
    assert rows.columns == empty.columns
    assert {manifest.batch for manifest in store.list_manifests(workspace.root)} == {
        first.batch,
        second.batch,
    }


def test_rows_that_changed_since_they_were_accepted_are_refused(workspace):
    result = workspace.ingest(workspace.write("b.jsonl", lines(pairs(3))))
    rows = workspace.root / "feedback" / result.batch / "rows-00000.parquet"
    content = bytearray(rows.read_bytes())
    content[len(content) // 2] ^= 1
    rows.write_bytes(content)
    with pytest.raises(FeedbackError, match="not what was ingested"):
        store.read_accepted(workspace.root / "feedback")
    rows.unlink()
    with pytest.raises(FeedbackError, match="is missing"):
        store.read_accepted(workspace.root / "feedback")


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        ("{", "dvc checkout"),
        ("{}", "upgrade the project"),
        ('{"schema_version": 1}', "ingest the files that came in again"),
        ('{"schema_version": 3}', "upgrade the project"),
        ('{"schema_version": 2, "batch": "b"}', "dvc checkout"),
    ],
)
def test_a_manifest_of_another_making_is_refused(workspace, content, remedy):
    result = workspace.ingest(workspace.write("b.jsonl", lines(pairs(1))))
    (workspace.root / "feedback" / result.batch / "manifest.json").write_text(content)
    with pytest.raises(FeedbackError, match=r"manifest\.json") as refused:
        store.list_manifests(workspace.root)
    assert remedy in refused.value.remedy


def test_a_rejection_leaves_accepted_batches_alone(workspace):
    workspace.ingest(workspace.write("b.jsonl", lines(pairs(2))))
    before = digest_tree(workspace.root)
    rejected = workspace.ingest(workspace.write("bad.jsonl", "garbage"))
    after = digest_tree(workspace.root)
    assert set(after) - set(before) == {f"quarantine/{rejected.batch}/manifest.json"}
    assert before.items() <= after.items()


def test_the_data_engineers_room_needs_no_torch():
    code = (
        "import sys, components.feedback.ingestion, components.feedback.store; print('torch' in sys.modules)"
    )
    assert _python(code).communicate(timeout=60)[0] == "False\n"
