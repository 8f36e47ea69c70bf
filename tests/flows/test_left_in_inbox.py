"""A file that cannot be taken, in the inbox that is emptied by itself: nobody reads its run's log."""

import pytest
from feedback_files import write_pairs
from prefect import flow

import flows.inbox
from components.errors import FeedbackError
from flows import scheduled
from flows.environment import prepare_environment
from flows.news.log_file import FILE, read_entries

WHY = "cannot be taken: cannot ingest a.jsonl: Permission denied (check its permissions)"


@pytest.fixture
def inbox(clone, prefect_server, environment, monkeypatch):
    """Two files, of which the first cannot be read; one is taken at a time."""
    prepare_environment(clone)
    take = flows.inbox.ingest_one

    def may_read(root, path, format_name):
        if path.name == "a.jsonl":
            raise FeedbackError("cannot ingest a.jsonl: Permission denied", "check its permissions")
        return take(root, path, format_name)

    monkeypatch.setattr(flows.inbox, "ingest_one", may_read)
    monkeypatch.setattr(scheduled.os, "access", lambda path, *_: not str(path).endswith("a.jsonl"))
    monkeypatch.setattr(scheduled, "MOST_AT_ONCE", 1)
    folder = clone / "data/inbox"
    folder.mkdir(parents=True, exist_ok=True)
    for name, topic in (("a.jsonl", "hinge"), ("b.jsonl", "camera")):
        write_pairs(folder / name, topic=topic)
        (folder / f"{name}.done").touch()
    return folder


def test_it_keeps_no_other_waiting_and_is_told_once(inbox, clone):
    empty = flow(name="ingest-inbox")(scheduled._empty_inbox)
    first, *later = [empty(clone, return_state=True) for _ in range(3)]
    assert first.name == "Taken"
    assert (inbox / "done/b.jsonl").exists()
    assert [(state.type.value, state.name, state.message) for state in later] == [
        ("COMPLETED", "Left", f"a.jsonl {WHY}")
    ] * 2
    assert (inbox / "a.jsonl").exists()
    (told,) = read_entries(clone / FILE)
    assert (told["kind"], told["subject"]) == ("batch_rejected", "a.jsonl stays in the inbox")
    assert told["body"] == f"It {WHY}.\nIt is tried again at each look."
