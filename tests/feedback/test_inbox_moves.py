"""Where the files of an inbox go when they were taken in, and what a kill on the way leaves."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from components.feedback.sources.inbox import Arrival, Inbox, Seen, put_away, report_of, watching

HERE = Path(__file__).parent
REPORT = {"batch": "week-1-00000000", "status": "accepted"}


def arrived(path, text="{}\n"):
    path.write_text(text)
    return Arrival(path, Seen.at(path))


def test_a_file_goes_to_done_with_its_report(tmp_path):
    arrival = arrived(tmp_path / "a.jsonl", "1\n")
    (tmp_path / "a.jsonl.done").touch()
    (tmp_path / "page.html").write_text("<p>")
    path = put_away(arrival, "done", REPORT, tmp_path / "page.html")
    assert path == tmp_path / "done/a.jsonl"
    assert path.read_text() == "1\n"
    assert json.loads(report_of(path).read_text()) == REPORT
    assert (tmp_path / "done/a.jsonl.report.html").read_text() == "<p>"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["done", "page.html"]


def test_nothing_is_overwritten(tmp_path):
    for number in range(3):
        put_away(arrived(tmp_path / "a.jsonl.gz", str(number)), "failed", {"batch": str(number)})
    found = {path.name: path.read_text() for path in (tmp_path / "failed").glob("*.gz")}
    assert found == {"a.jsonl.gz": "0", "a-2.jsonl.gz": "1", "a-3.jsonl.gz": "2"}
    (tmp_path / "failed/a.jsonl.gz").unlink()
    # Its report is still somebody's.
    put_away(arrived(tmp_path / "a.jsonl.gz", "4"), "failed", {"batch": "4"})
    assert json.loads((tmp_path / "failed/a.jsonl.gz.report.json").read_text()) == {"batch": "0"}
    assert (tmp_path / "failed/a-4.jsonl.gz").read_text() == "4"


@pytest.mark.parametrize("name", ["x" * 249 + ".jsonl", "日" * 83 + ".jsonl", "a." + "b" * 253])
def test_long_names_are_cut(tmp_path, name):
    (tmp_path / name).touch()
    (arrival,) = Inbox(tmp_path, 0.0, print).look()
    path = put_away(arrival, "done", REPORT)
    assert report_of(path).exists()
    assert len(os.fsencode(path.name)) <= 200
    assert put_away(arrived(tmp_path / name), "done", {"batch": "other"}) != path


def test_names_of_strangers(tmp_path):
    for name in (b"\xff\xfe.jsonl", b"-rf.csv", b"\x1b[2J\n.csv", b"a b'\".json", b"..csv"):
        path = put_away(arrived(tmp_path / os.fsdecode(name)), "done", REPORT)
        assert os.fsencode(path.name) == name


def test_a_file_that_changed_since_is_not_moved(tmp_path):
    arrival = arrived(tmp_path / "a.jsonl")
    (tmp_path / "a.jsonl").write_text("more of it\n")
    assert put_away(arrival, "done", REPORT) is None
    assert (tmp_path / "a.jsonl").exists()
    (tmp_path / "a.jsonl").unlink()
    assert put_away(arrival, "done", REPORT) is None
    assert list(tmp_path.rglob("*.json*")) == []


def test_a_file_that_is_replaced_in_the_last_moment_comes_back(tmp_path, monkeypatch):
    arrival = arrived(tmp_path / "a.jsonl", "old")
    rename = Path.rename

    def replaced_first(path, target):
        monkeypatch.setattr(Path, "rename", rename)
        (tmp_path / "new").write_text("new one")
        (tmp_path / "new").rename(tmp_path / "a.jsonl")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", replaced_first)
    assert put_away(arrival, "done", REPORT) is None
    assert (tmp_path / "a.jsonl").read_text() == "new one"
    assert list((tmp_path / "done").iterdir()) == []


def test_killed_at_every_step_the_next_run_ends_as_if_nothing_had_happened(tmp_path):
    def run(folder, deadly):
        folder.mkdir()
        (folder / "a.jsonl").write_text("1\n")
        (folder / "a.jsonl.done").touch()
        command = [sys.executable, HERE / "inbox_deaths.py", folder / "a.jsonl", str(deadly)]
        environment = os.environ | {"PYTHONPATH": str(HERE.parents[1])}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    steps = int(run(tmp_path / "unharmed", 0).stdout)
    assert steps >= 5
    for deadly in range(1, steps + 1):
        folder = tmp_path / str(deadly)
        assert run(folder, deadly).returncode == -signal.SIGKILL
        with watching(folder):
            # Still there, and complete, whether by its marker or by time: the kill was before the move.
            (arrival,) = Inbox(folder, 0.0, print).look()
            assert put_away(arrival, "done", {"batch": "week-1-00000000"}) == folder / "done/a.jsonl"
        found = sorted(path.name for path in (folder / "done").iterdir())
        assert found == ["a.jsonl", "a.jsonl.report.json"], deadly
        assert sorted(path.name for path in folder.iterdir()) == [".rlhf-inbox.lock", "done", "failed"]
