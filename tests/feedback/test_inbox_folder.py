"""Which files of a watched folder are complete, and where they go."""

import os
import subprocess
import sys
import time

import pytest

from components.errors import BusyError, FeedbackError
from components.feedback.sources.inbox import Arrival, Inbox, Seen, put_away, watching

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
    assert inbox.left == {"a.jsonl": "cannot be read"}


def test_what_the_sender_declared_waits_for_its_file_and_goes_along(tmp_path, inbox, clock):
    (tmp_path / "a.jsonl.sha256").write_text("0")
    inbox.look()
    clock.now = 20.0
    assert inbox.look() == []
    arrived(tmp_path / "a.jsonl", "1\n")
    inbox.look()
    clock.now = 25.0
    (tmp_path / "a.jsonl.sha256").write_text("00")
    inbox.look()
    clock.now = 31.0
    assert inbox.look() == []
    clock.now = 35.0
    (arrival,) = inbox.look()
    put_away(arrival, "failed", REPORT)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["failed"]
    assert (tmp_path / "failed/a.jsonl.sha256").read_text() == "00"


def test_one_process_empties_an_inbox(tmp_path):
    with watching(tmp_path), pytest.raises(BusyError, match="another process watches"), watching(tmp_path):
        pass
    with watching(tmp_path):
        assert sorted(path.name for path in tmp_path.iterdir()) == [".rlhf-inbox.lock", "done", "failed"]


def test_what_another_one_is_writing_is_not_swept(tmp_path):
    with watching(tmp_path):
        half = tmp_path / "done/.a.jsonl.report.json.0123.tmp"
        half.touch()
        with pytest.raises(BusyError), watching(tmp_path):
            pass
        assert half.exists()
    with watching(tmp_path):
        assert not half.exists()


def test_a_folder_that_cannot_be_an_inbox(tmp_path):
    (tmp_path / "done").write_text("a file where the folder belongs")
    with pytest.raises(FeedbackError, match="cannot be an inbox"), watching(tmp_path):
        pass
