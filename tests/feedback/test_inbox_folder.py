"""Which files of a watched folder are complete, and where they go."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from components.errors import BusyError, FeedbackError
from components.feedback.sources.inbox import Arrival, Inbox, Seen, put_away, report_of, watching

HERE = Path(__file__).parent
REPORT = {"batch": "week-1-00000000", "status": "accepted"}
#: Writes a file in two parts, half a second apart.
WRITER = (
    "import sys, time\n"
    "with open(sys.argv[1], 'w', buffering=1) as file:\n"
    "    for part in range(5): file.write(f'{part}\\n'); time.sleep(0.1)\n"
)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def told():
    return []


@pytest.fixture
def inbox(tmp_path, clock, told):
    return Inbox(tmp_path, 10.0, told.append, clock)


def names(arrivals):
    return [arrival.path.name for arrival in arrivals]


def arrived(path, text="{}\n"):
    path.write_text(text)
    return Arrival(path, Seen.at(path))


def test_a_file_is_complete_when_it_stayed_the_same(tmp_path, inbox, clock):
    (tmp_path / "a.jsonl").write_text("1")
    assert names(inbox.look()) == []
    assert inbox.unfinished == ["a.jsonl"]
    clock.now = 9.0
    with (tmp_path / "a.jsonl").open("a") as file:
        file.write("2")
    assert names(inbox.look()) == []
    clock.now = 18.9
    assert names(inbox.look()) == []
    clock.now = 19.0
    assert names(inbox.look()) == ["a.jsonl"]
    assert inbox.unfinished == []


def test_another_file_of_the_same_size_is_another_file(tmp_path, inbox, clock):
    (tmp_path / "a.jsonl").write_text("1")
    os.utime(tmp_path / "a.jsonl", (1, 1))
    inbox.look()
    clock.now = 9.0
    (tmp_path / "b.jsonl").write_text("2")
    os.utime(tmp_path / "b.jsonl", (1, 1))
    (tmp_path / "b.jsonl").rename(tmp_path / "a.jsonl")
    inbox.look()
    clock.now = 11.0
    assert names(inbox.look()) == []
    clock.now = 19.0
    assert names(inbox.look()) == ["a.jsonl"]


def test_a_marker_says_that_it_is_complete_now(tmp_path, inbox):
    for name in ("b.jsonl", "b.jsonl.done", "a.jsonl", "alone.done"):
        (tmp_path / name).touch()
    assert names(inbox.look()) == ["b.jsonl"]


def test_a_file_that_a_process_writes_slowly_is_taken_whole(tmp_path):
    inbox = Inbox(tmp_path, 0.4, print)
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "slow.csv")])
    deadline = time.monotonic() + 20
    while not (found := inbox.look()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert writer.wait() == 0
    assert [arrival.path.read_text() for arrival in found] == ["0\n1\n2\n3\n4\n"]
    assert found[0].seen.size == 10


def test_what_is_no_arrival_is_left_alone(tmp_path, inbox, clock, told):
    for name in (
        ".hidden.jsonl",
        "a.jsonl.part",
        "a.PART",
        "b.tmp",
        "c.filepart",
        "d.crdownload",
        "e.jsonl~",
    ):
        (tmp_path / name).touch()
    with watching(tmp_path):
        inbox.look()
        clock.now = 99.0
        assert inbox.look() == []
    assert told == []


def test_links_folders_and_pipes_are_told_once_and_left(tmp_path, inbox, clock, told):
    (tmp_path / "outside").mkdir()
    (tmp_path / "link.jsonl").symlink_to("/etc/hostname")
    (tmp_path / "nowhere.jsonl").symlink_to("nothing")
    os.mkfifo(tmp_path / "pipe.jsonl")
    for now in (0.0, 99.0):
        clock.now = now
        assert inbox.look() == []
    words = "is a link, a folder or something else that is no file; it is left where it is"
    assert told == [f"{name} {words}" for name in ("link.jsonl", "nowhere.jsonl", "outside", "pipe.jsonl")]


def test_a_file_that_could_not_be_taken_is_tried_again_later(tmp_path, inbox, clock, told):
    (tmp_path / "a.jsonl").touch()
    inbox.look()
    clock.now = 10.0
    (arrival,) = inbox.look()
    for _ in range(2):
        inbox.leave(arrival, "cannot be read")
    clock.now = 69.0
    assert (inbox.look(), inbox.unfinished) == ([], [])
    clock.now = 70.0
    assert names(inbox.look()) == ["a.jsonl"]
    assert told == ["a.jsonl cannot be read; it is left where it is"]


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


@pytest.mark.parametrize("name", ["x" * 240 + ".jsonl", "日" * 80 + ".jsonl", "a." + "b" * 240])
def test_long_names_are_cut(tmp_path, name):
    path = put_away(arrived(tmp_path / name), "done", REPORT)
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


def test_one_process_empties_an_inbox(tmp_path):
    with watching(tmp_path), pytest.raises(BusyError, match="another process watches"), watching(tmp_path):
        pass
    with watching(tmp_path):
        assert sorted(path.name for path in tmp_path.iterdir()) == [".rlhf-inbox.lock", "done", "failed"]


def test_a_folder_that_cannot_be_an_inbox(tmp_path):
    (tmp_path / "done").write_text("a file where the folder belongs")
    with pytest.raises(FeedbackError, match="cannot be an inbox"), watching(tmp_path):
        pass
