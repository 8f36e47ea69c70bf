"""Batches that wait or do not, and processes that die, for tests of what people do with a batch."""

from __future__ import annotations

from batch_files import PAIR, lines, pairs

from components.feedback import store
from components.feedback.ingestion import ingest_file

#: One person's batch waits.
ONE_PERSON = [{**row, "annotator": "ann"} for row in pairs(40)]
#: Nobody's does.
MANY = [{**row, "annotator": f"ann-{number % 8}"} for number, row in enumerate(pairs(40))]


def hold(workspace):
    """A batch that waits, one of its rows refused."""
    path = workspace.write("held.jsonl", lines([*ONE_PERSON, PAIR | {"chosen": ""}]))
    result = ingest_file(path, workspace.root)
    assert (result.status, result.accepted, result.quarantined) == ("held", 40, 1)
    return result


def accepted(workspace):
    return store.read_accepted(workspace.root / "feedback")


def quarantined(workspace, result):
    path = workspace.root / "quarantine" / result.batch / "rows.jsonl"
    return path.read_text(encoding="ascii").splitlines()


def dying_at(write, name):
    """The function, but for one file: before that the process dies."""
    return lambda path, value: die() if path.name == name else write(path, value)


def die(*_, **__):
    raise KeyboardInterrupt
