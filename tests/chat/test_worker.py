"""The thread that answers, and the queue before it."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress

import pytest
from chat.chat_case import PROMPT, connected

from components.errors import BusyError, ModelError
from components.serving.keeper import Keeper
from components.serving.question import Failed, Finished, Piece, Question, Started
from components.serving.worker import Worker
from flows.chat.house import _warn
from flows.terminal import notes


class Asked:
    """A question whose asker looks at nothing before they are let: until then the worker waits with it."""

    measured = False

    def __init__(self, **options):
        self.question = Question((PROMPT,), **{"seed": 1, "max_tokens": 2} | options)
        self.told = []
        self.gone = False
        self.begun, self.let, self.over = threading.Event(), threading.Event(), threading.Event()

    def is_cancelled(self):
        return self.gone

    def tell(self, event):
        self.told.append(event)
        self.begun.set()
        assert self.let.wait(20)
        if event is None:
            self.over.set()

    def kinds(self):
        assert self.over.wait(20)
        return [type(event) for event in self.told]


@pytest.fixture(scope="module")
def keeper(project):
    return Keeper(connected(project), "candidate", scores=False, look_s=60.0, warn=print)


def test_whoever_has_gone_keeps_nobody_s_place_and_is_told_nothing(keeper):
    worker = Worker(keeper, 1, print)
    first, gone, last = Asked(), Asked(), Asked()
    worker.submit(first)
    assert first.begun.wait(20)
    worker.submit(gone)
    with pytest.raises(BusyError, match="1 questions wait for the candidate already"):
        worker.submit(last)
    gone.gone = True
    worker.submit(last)
    for each in (first, gone, last):
        each.let.set()
    whole = [Started, Piece, Piece, Finished, type(None)]
    assert first.kinds() == last.kinds() == whole
    assert gone.told == []


def test_the_reason_of_a_failure_is_for_the_terminal_and_names_no_file_to_whoever_asks(keeper, monkeypatch):
    def damaged():
        raise ModelError("/secret/place is damaged", "fetch it again")

    monkeypatch.setattr(keeper, "current", damaged)
    warned, asked = [], Asked()
    asked.let.set()
    Worker(keeper, 1, warned.append).submit(asked)
    assert asked.kinds() == [Failed, type(None)]
    assert "secret" not in asked.told[0].message
    assert warned == ["an answer failed: /secret/place is damaged; fetch it again"]


def test_a_fault_that_nobody_expected_is_told_and_ends_no_thread_whoever_reads_the_warning(
    keeper, monkeypatch, tmp_path
):
    """Not even where the terminal is gone: then rich ends whoever wrote to it."""
    worker = Worker(keeper, 2, _warn)
    faulty, next_one = Asked(seed=2**70), Asked()
    reading, writing = os.pipe()
    os.close(reading)
    notes.cache_clear()
    # What is left in it cannot be written when it is closed.
    with (
        suppress(BrokenPipeError),
        os.fdopen(writing, "w") as broken,
        (tmp_path / "out").open("w") as out,
    ):
        monkeypatch.setattr(sys, "stderr", broken)
        monkeypatch.setattr(sys, "stdout", out)
        for each in (faulty, next_one):
            each.let.set()
            worker.submit(each)
        found = faulty.kinds(), next_one.kinds()
        monkeypatch.undo()
    notes.cache_clear()
    assert found[0] == [Started, Failed, type(None)]
    assert found[1][0] is Started
    assert found[1][-2:] == [Finished, type(None)]
