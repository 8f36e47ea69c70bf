"""What DVC would believe and is not so; disks without room; runs of the dead."""

import shutil
import subprocess
import sys
from uuid import UUID

import pytest
import yaml

from components.errors import DiskError, FeedbackError
from components.tracking import dvc_cache
from flows import dvc, outs, room
from flows.room import needed_bytes, refuse_without_room


def flip(path):
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.unlink()
    path.write_bytes(content)


def cached_rows(root):
    (out,) = yaml.safe_load((root / "dvc.lock").read_text())["stages"]["prepare"]["outs"][:1]
    return dvc_cache.cached(root, dvc_cache.listing(root, out["md5"])["rows.txt"])


def test_a_bit_of_an_output_is_missed_and_the_cache_has_it(fed):
    dvc.repro(fed, "prepare", lambda _: None)
    assert outs.damaged(fed, "prepare") == []
    flip(fed / "data/prepared/rows.txt")
    assert outs.damaged(fed, "prepare") == ["data/prepared/rows.txt"]
    outs.discard(fed, "prepare", ["data/prepared/rows.txt"])
    assert dvc.repro(fed, "prepare", lambda _: None).status == "restored"
    assert outs.damaged(fed, "prepare") == []


def test_damage_in_the_cache_makes_the_stage_run(fed):
    """DVC restores a read-only file without looking at it."""
    dvc.repro(fed, "prepare", lambda _: None)
    flip(cached_rows(fed))
    cached_rows(fed).chmod(0o444)
    shutil.rmtree(fed / "data/prepared")
    assert dvc.repro(fed, "prepare", lambda _: None).status == "restored"
    damaged = outs.damaged(fed, "prepare")
    assert damaged == ["data/prepared/rows.txt"]
    outs.discard(fed, "prepare", damaged)
    assert dvc.repro(fed, "prepare", lambda _: None).status == "ran"
    assert outs.damaged(fed, "prepare") == []


def test_damaged_feedback_of_the_remote_is_refused_and_may_be_fetched_again(fed):
    dvc.push_feedback(fed)
    rows = next(path for path in (fed / ".rlhf/dvc-remote").rglob("*") if path.is_file() and is_rows(path))
    sound = rows.read_bytes()
    flip(rows)
    shutil.rmtree(fed / "data/feedback")
    shutil.rmtree(fed / ".dvc/cache")
    with pytest.raises(
        FeedbackError, match=r"week-1-aaaaaaaa/rows-00000.parquet is damaged|cannot be fetched"
    ):
        dvc.restore_feedback(fed)
    assert not (fed / "data/feedback").exists()
    rows.unlink()
    rows.write_bytes(sound)
    dvc.restore_feedback(fed)
    assert (fed / "data/feedback/week-1-aaaaaaaa/rows-00000.parquet").exists()


def is_rows(path):
    return path.read_bytes() == b"week-1-aaaaaaaa"


def test_a_disk_with_less_room_than_the_last_run_took_is_refused(clone, monkeypatch):
    assert needed_bytes(clone) == room.LEAST_BYTES
    lock = {"stages": {"sft": {"outs": [{"path": "models/sft", "size": 3 << 30}]}, "prepare": {}}}
    (clone / "dvc.lock").write_text(yaml.safe_dump(lock))
    assert needed_bytes(clone) == room.COPIES * (3 << 30)
    refuse_without_room(clone)
    lock["stages"]["sft"]["outs"][0]["size"] = 1 << 60
    (clone / "dvc.lock").write_text(yaml.safe_dump(lock))
    with pytest.raises(DiskError, match="MB of free space; a retraining needs"):
        refuse_without_room(clone)


def test_a_folder_that_takes_no_files_is_named(clone, monkeypatch):
    def refuse(dir):  # noqa: A002 - as tempfile calls it
        raise PermissionError(13, "Permission denied", str(dir))

    monkeypatch.setattr(room.tempfile, "TemporaryFile", refuse)
    with pytest.raises(DiskError, match=rf"{clone} may not be written to: Permission denied") as caught:
        refuse_without_room(clone)
    assert "right to write" in caught.value.remedy


KILLED = """
import os, sys
from pathlib import Path
from prefect import flow
from flows.dead_runs import while_alive

@flow
@while_alive
def dying(root: Path):
    os.kill(os.getpid(), 9)

dying(Path(sys.argv[1]))
"""


def test_runs_of_a_killed_process_are_closed_by_the_next(clone, prefect_server, environment):
    """Any flow's, not only retrainings: each run holds a lock for as long as its process lives."""
    from prefect import get_client
    from tracking.fake_workspace import PROJECT

    from flows.dead_runs import close_dead_runs

    variables = environment | {"PREFECT_API_URL": prefect_server, "PYTHONPATH": str(PROJECT)}
    subprocess.run([sys.executable, "-c", KILLED, clone], env=variables, check=False)
    (record,) = (clone / ".rlhf/runs").glob("*.json")

    def state():
        with get_client(sync_client=True) as client:
            return client.read_flow_run(UUID(record.stem)).state

    assert state().name == "Running"
    environment["PREFECT_API_URL"] = prefect_server
    assert [dead.flow for dead in close_dead_runs(clone)] == ["dying"]
    assert (state().name, state().message) == ("Crashed", "its process ended without telling")
    assert not record.exists()
