import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from tracking.fake_workspace import PROJECT, write_batch

from components.errors import BusyError, FeedbackError, StageFailedError, StoppedError
from components.files import write_json, write_text
from components.locks import exclusive
from flows import dvc
from flows.git import commit_if_wanted
from flows.overview import UNKNOWN, overview


def log(root):
    done = subprocess.run(
        ["git", "log", "--format=%s|%an"], cwd=root, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_a_stage_runs_once_and_tells_its_lines(fed):
    lines = []
    assert "prepare" in dvc.stale(fed)
    assert dvc.repro(fed, "prepare", lines.append).status == "ran"
    assert [line for line in lines if not dvc.is_dvcs_own(line)] == [
        "[prepare] 1/3 loss=1.000",
        "[prepare] 2/3 loss=0.500",
        "[prepare] 3/3 loss=0.333",
    ]
    assert "prepare" not in dvc.stale(fed)
    assert dvc.repro(fed, "prepare", lines.append).status == "up to date"
    shutil.rmtree(fed / "data/prepared")
    (fed / "dvc.lock").unlink()
    assert dvc.repro(fed, "prepare", lines.append).status == "restored"


def test_a_stage_fails_in_its_own_words(fed):
    (fed / "fail-prepare").touch()
    with pytest.raises(StageFailedError) as caught:
        dvc.repro(fed, "prepare", lambda _: None)
    assert caught.value.message == "stage prepare failed: the loss is not a number"
    assert caught.value.remedy == "lower the learning rate"


def test_a_stage_that_says_nothing_of_its_own(fed):
    (fed / "fake_stages.py").write_text("import sys; sys.exit(9)")
    with pytest.raises(StageFailedError, match="stage prepare failed") as caught:
        dvc.repro(fed, "prepare", lambda _: None)
    assert "dvc repro --single-item prepare" in caught.value.remedy


def test_a_stage_that_was_told_to_end_has_not_failed(fed):
    words = "stopped: told to end after step 3: the checkpoint of step 3 is kept"
    (fed / "fake_stages.py").write_text(f"import sys; print({words!r}); sys.exit(75)")
    with pytest.raises(StoppedError, match="stage prepare stopped: told to end after step 3") as caught:
        dvc.repro(fed, "prepare", lambda _: None)
    assert caught.value.remedy == "`rlhf retrain` goes on where it stopped"


@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash"])
def test_a_stage_that_was_killed_says_what_may_have_been(fed, environment, shell):
    environment["SHELL"] = shell
    (fed / "fake_stages.py").write_text("import os; os.kill(os.getpid(), 9)")
    with pytest.raises(StageFailedError, match=r"stage prepare was killed \(SIGKILL\)") as caught:
        dvc.repro(fed, "prepare", lambda _: None)
    assert "train.microbatch_tokens" in caught.value.remedy


def test_what_a_stage_calls_busy_is_no_reason_to_wait(fed, monkeypatch):
    monkeypatch.setattr(dvc, "BUSY_S", 0.0)
    (fed / "fake_stages.py").write_text("import sys; sys.exit('error: the device is busy')")
    with pytest.raises(StageFailedError, match="the device is busy"):
        dvc.repro(fed, "prepare", lambda _: None)


def test_a_stage_that_another_process_runs_is_busy(fed, monkeypatch):
    monkeypatch.setattr(dvc, "BUSY_S", 0.0)
    (fed / "slow-prepare").touch()
    started = threading.Event()
    with ThreadPoolExecutor() as pool:
        first = pool.submit(dvc.repro, fed, "prepare", lambda line: "1/3" in line and started.set())
        assert started.wait(timeout=60)
        try:
            with pytest.raises(BusyError, match="`dvc repro`"):
                dvc.repro(fed, "prepare", lambda _: None)
            # DVC tells nothing of the stages meanwhile; who asks where things are is told all the same.
            with exclusive(fed / ".rlhf/stages/prepare.lock"):
                seen = overview(fed)
            states = {stage["stage"]: stage["state"] for stage in seen["stages"]}
            assert states == dict.fromkeys(states, UNKNOWN) | {"prepare": "running"}
            assert seen["next"].startswith("wait until the stages are over")
        finally:
            (fed / "slow-prepare").unlink()
        assert first.result().status == "ran"


@contextmanager
def process(*words):
    """One that sleeps, and bears these words."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", *words]) as sleeper:
        yield sleeper.pid
        sleeper.kill()


def list_user(root, pid):
    """As DVC lists the process that runs a stage."""
    user = {"pid": pid, "cmd": "/bin/dvc repro prepare"}
    write_json(root / ".dvc/tmp/rwlock", {"write": {str(root / "data/prepared"): user}})


@pytest.mark.parametrize("words", [["a stranger"], ["repro", "prepare"]], ids=["other", "later"])
def test_a_process_that_has_the_number_of_one_that_is_gone_is_not_waited_for(fed, monkeypatch, words):
    """As after a container was killed and started anew, where numbers begin at 1 again."""
    monkeypatch.setattr(dvc, "BUSY_S", 0.0)
    with process(*words) as pid:
        list_user(fed, pid)
        if "prepare" in words:
            os.utime(fed / ".dvc/tmp/rwlock", (0, 0))
        assert dvc.repro(fed, "prepare", lambda _: None).status == "ran"


def test_a_process_that_lives_is_waited_for_and_so_is_a_stage_elsewhere(fed, monkeypatch):
    monkeypatch.setattr(dvc, "BUSY_S", 0.0)
    with process("repro", "prepare") as pid:
        list_user(fed, pid)
        with pytest.raises(BusyError, match="is being blocked by"):
            dvc.repro(fed, "prepare", lambda _: None)
    with process("a stranger") as pid, exclusive(fed / ".rlhf/stages/prepare.lock"):
        list_user(fed, pid)
        with pytest.raises(BusyError, match="is being blocked by"):
            dvc.repro(fed, "prepare", lambda _: None)


@pytest.mark.parametrize("content", ["", '{"write": {"data', '{"write": []}'])
def test_a_list_of_dvc_s_that_a_killed_process_left_half_written_stops_nothing(fed, monkeypatch, content):
    monkeypatch.setattr(dvc, "BUSY_S", 0.0)
    write_text(fed / ".dvc/tmp/rwlock", content)
    assert dvc.repro(fed, "prepare", lambda _: None).status == "ran"


def test_feedback_comes_back_from_the_remote_before_anything_is_added(fed):
    dvc.push_feedback(fed)
    shutil.rmtree(fed / "data/feedback")
    shutil.rmtree(fed / ".dvc/cache")
    dvc.restore_feedback(fed)
    assert (fed / "data/feedback/week-1-aaaaaaaa/rows-00000.parquet").read_text() == "week-1-aaaaaaaa"


def test_feedback_that_is_nowhere_is_not_forgotten(fed):
    """Adding to an empty folder would make a version of the feedback without the earlier batches."""
    shutil.rmtree(fed / "data/feedback")
    shutil.rmtree(fed / ".dvc/cache")
    with pytest.raises(FeedbackError, match="cannot be fetched"):
        dvc.restore_feedback(fed)
    assert not (fed / "data/feedback").exists()


#: Stands in for a `dvc pull` of two batches: one of them is here when the process is killed.
KILLED = """
import os, sys
from pathlib import Path
from flows import dvc

def pull(root, *words):
    (root / "data/feedback/week-1-aaaaaaaa").mkdir(parents=True)
    os.kill(os.getpid(), 9)

dvc._dvc = pull
dvc.restore_feedback(Path(sys.argv[1]))
"""


def forgotten(root):
    """The clone without its feedback, of which DVC's cache has two batches."""
    write_batch(root, "week-2-bbbbbbbb")
    dvc.add_feedback(root)
    shutil.rmtree(root / "data/feedback")
    return root


def batches(root):
    return sorted(path.name for path in (root / "data/feedback").glob("week-*"))


def test_a_part_of_the_feedback_that_a_killed_process_left_is_not_taken_for_the_whole(fed):
    root = forgotten(fed)
    done = subprocess.run([sys.executable, "-c", KILLED, root], env=os.environ | {"PYTHONPATH": str(PROJECT)})
    assert (done.returncode, batches(root)) == (-9, ["week-1-aaaaaaaa"])
    dvc.restore_feedback(root)
    assert batches(root) == ["week-1-aaaaaaaa", "week-2-bbbbbbbb"]
    assert not (root / dvc.RESTORING).exists()


@pytest.mark.parametrize("end", [KeyboardInterrupt, None])
def test_a_pull_that_ends_badly_leaves_no_part_of_the_feedback(fed, monkeypatch, end):
    root = forgotten(fed)

    def pull(root, *words):
        (root / "data/feedback/week-1-aaaaaaaa").mkdir(parents=True)
        if end:
            raise end
        return 1, ["ERROR: No space left on device"]

    with monkeypatch.context() as patch:
        patch.setattr(dvc, "_dvc", pull)
        with pytest.raises(end or FeedbackError):
            dvc.restore_feedback(root)
    assert not (root / "data/feedback").exists()
    dvc.restore_feedback(root)
    assert len(batches(root)) == 2


def test_who_ingests_meanwhile_waits_for_all_of_the_feedback(fed, monkeypatch):
    root, really, begun, go_on = forgotten(fed), dvc._dvc, threading.Event(), threading.Event()

    def pull(*words, **options):
        (root / "data/feedback").mkdir()
        begun.set()
        assert go_on.wait(60)
        return really(*words, **options)

    monkeypatch.setattr(dvc, "_dvc", pull)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(dvc.restore_feedback, root)
        assert begun.wait(60)
        second = pool.submit(lambda: (dvc.restore_feedback(root), batches(root))[1])
        with pytest.raises(TimeoutError):
            second.result(0.5)
        go_on.set()
        first.result()
        assert len(second.result()) == 2


def test_a_part_without_anything_that_tells_of_it_is_not_kept(fed):
    """As the remedy says: data/feedback.dvc was removed, to start without earlier feedback."""
    root = forgotten(fed)
    (root / "data/feedback/week-1-aaaaaaaa").mkdir(parents=True)
    (root / dvc.RESTORING).parent.mkdir(exist_ok=True)
    (root / dvc.RESTORING).touch()
    (root / dvc.TRACKED).unlink()
    dvc.restore_feedback(root)
    assert not (root / "data/feedback").exists()


def test_history_is_left_alone_unless_asked(fed):
    assert commit_if_wanted(fed, "Add feedback", "data/feedback.dvc") is False
    assert log(fed) == ["clone|t"]


def test_a_commit_holds_the_named_file_and_nothing_else(fed):
    params = fed / "params.yaml"
    params.write_text(params.read_text().replace("commit: false", "commit: true"))
    (fed / "staged.txt").touch()
    subprocess.run(["git", "add", "staged.txt"], cwd=fed, check=True)
    assert commit_if_wanted(fed, "Add feedback", "data/feedback.dvc", "dvc.lock") is True
    assert log(fed) == ["Add feedback|rlhf-pipeline", "clone|t"]
    done = subprocess.run(
        ["git", "show", "--name-only", "--format="], cwd=fed, capture_output=True, text=True
    )
    assert done.stdout.split() == ["data/feedback.dvc"]
    assert commit_if_wanted(fed, "Add feedback", "data/feedback.dvc") is False
