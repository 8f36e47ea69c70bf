"""`rlhf chat` as people give it: in a terminal, from a pipe, and its exports."""

from __future__ import annotations

import json
import os
import pty
import select
import socket
import sqlite3
import sys
import threading
from contextlib import closing, contextmanager

import pytest
from chat.chat_case import PROMPT, connected, thumbs
from typer.testing import CliRunner

from components import databases
from components.errors import RlhfError
from components.modeling.exploration import Exploration
from components.modeling.generation import answer
from components.modeling.loading import load_policy
from components.serving.thumbs import DATABASE, Outcome, Said, Thumb, Thumbs
from components.tracking.loading import load_version
from flows.chat.terminal import Drawing, Talk
from flows.commands.chat import app


@pytest.fixture
def rlhf(project, monkeypatch):
    """The command in the project."""
    monkeypatch.chdir(project)
    for name in ("HF_HUB_OFFLINE", "PATH"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    kept = dict(os.environ)

    def run(*words, given=None):
        result = CliRunner().invoke(app, [*words], input=given)
        os.environ.clear()
        os.environ.update(kept)
        return result

    return run


def test_what_comes_through_a_pipe_is_one_prompt(rlhf, project):
    found = rlhf("--json", "--seed", "3", "--temperature", "0.5", given=f"{PROMPT}\n")
    assert found.exit_code == 0, found.output
    said = json.loads(found.stdout)
    policy = load_policy(load_version(connected(project), "champion").folder)
    [expected] = answer(*policy, [PROMPT], Exploration(0.5), 3)
    [given] = said["answers"]
    assert (said["prompt"], given["text"], given["version"], given["seed"]) == (
        PROMPT,
        expected.text,
        "reviews/1",
        3,
    )
    assert given["stars"].endswith(" out of 5 stars")
    assert isinstance(given["score"], float)
    assert "next: " in found.stderr


def test_two_versions_answer_and_are_told_apart(rlhf):
    found = rlhf("--with", "candidate", "--max-tokens", "3", given="a\nprompt of two lines \x1b[31m")
    assert found.exit_code == 0, found.output
    assert "1. reviews/1" in found.stdout
    assert "2. reviews-candidate/2" in found.stdout
    assert found.stdout.count("score ") == 2
    assert "\x1b" not in found.stdout


@pytest.mark.parametrize(
    ("words", "given", "said"),
    [
        (("--model", "gpt-4"), "x", "no model 'gpt-4'"),
        (("--model", "9"), "x", "no version 9"),
        ((), "\n", "no prompt"),
    ],
)
def test_what_cannot_be_asked_is_told(rlhf, words, given, said):
    found = rlhf(*words, given=given)
    assert isinstance(found.exception, RlhfError)
    assert said in found.exception.message
    assert found.exception.remedy


@pytest.mark.parametrize(
    "words",
    [("--host", "0.0.0.0"), ("--address", "https://ask.example.org")],  # noqa: S104
)
def test_beyond_loopback_a_key_is_wanted(rlhf, monkeypatch, words):
    """A proxy in front lets others ask, whatever the server itself listens at."""
    monkeypatch.delenv("RLHF_API_KEY", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        found = rlhf("serve", *words, "--port", str(taken.getsockname()[1]))
    assert f"everybody who reaches {words[1]} could ask the models" in found.exception.message
    assert "RLHF_API_KEY" in found.exception.remedy


def test_an_address_of_this_machine_wants_no_key(rlhf, monkeypatch):
    monkeypatch.delenv("RLHF_API_KEY", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for address in ("http://localhost:4400", "http://[::1]:4400", "http://127.0.0.1"):
            found = rlhf("serve", "--port", str(taken.getsockname()[1]), "--address", address)
            assert "cannot listen" in found.exception.message


@pytest.mark.parametrize("words", [("export",), ("export", "x.jsonl", "--to-inbox"), ("export", "x.csv")])
def test_an_export_goes_to_one_place(rlhf, words):
    assert rlhf(*words).exit_code == 2


class Person:
    """Somebody at a pseudo-terminal, whose other end the command has.

    Attributes: text: what is shown and was not looked at yet; failed: why they stopped.
    """

    def __init__(self, ours):
        self._ours = ours
        self.text = ""
        self.failed = None

    def until(self, word):
        """What is shown until the word comes."""
        while word not in self.text:
            assert select.select([self._ours], [], [], 60)[0], self.text
            self.text += os.read(self._ours, 65_536).decode("utf-8", "replace")
        shown, _, self.text = self.text.partition(word)
        return shown

    def type(self, text):
        os.write(self._ours, text.encode())

    def do(self, script):
        """Follow a script; whatever fails in it, the command's input ends."""
        try:
            script(self)
        except BaseException as error:  # noqa: BLE001
            self.failed = error
        finally:
            self.type("\x04\x04")


@contextmanager
def at_a_terminal(monkeypatch, script):
    """What stands in the block reads and writes at the terminal of a person who follows the script."""
    ours, theirs = pty.openpty()
    person = Person(ours)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        monkeypatch.setattr(sys, name, os.fdopen(os.dup(theirs), mode, encoding="utf-8", buffering=1))
    ends = (sys.stdin, sys.stdout, sys.stderr)
    thread = threading.Thread(target=person.do, args=[script])
    thread.start()
    try:
        yield
    finally:
        thread.join()
        monkeypatch.undo()
        for end in ends:
            end.close()
        os.close(theirs)
        os.close(ours)
    if person.failed:
        raise person.failed


def test_a_talk_with_a_thumb_after_a_consent(project, rlhf, tmp_path):
    before = len(thumbs(project))

    def script(person):
        person.until("> ")
        person.type("+\n")
        person.until("ask something first")
        person.type(f"{PROMPT}\n")
        person.until("1. reviews/1")
        person.until("2. reviews-candidate/2")
        person.until("stars")
        person.type("+\n")
        person.until("say which answer: +1, -2")
        person.type("-2\n")
        person.until("a thumb stores your prompt and this answer as feedback")
        person.until("go on? [y/N] ")
        person.type("n\n")
        person.until("nothing was stored")
        assert len(thumbs(project)) == before
        person.type("-2\n")
        person.until("go on? [y/N] ")
        person.type("y\n")
        person.until("stored as feedback")
        # From here on nobody asks again.
        person.type("+1\n")
        person.until("stored as feedback")
        person.type("\x04")
        person.until("next: ")

    words = ("--as", "ann", "--max-tokens", "5", "--temperature", "0", "--with", "candidate")
    with pytest.MonkeyPatch.context() as patch, at_a_terminal(patch, script):
        app(words, standalone_mode=False)
    second, first = thumbs(project)[-2:]
    assert (second["model"], second["up"], second["annotator"]) == ("reviews-candidate/2", 0, "ann")
    assert (first["model"], first["up"], first["prompt"]) == ("reviews/1", 1, PROMPT)
    found = rlhf("export", str(tmp_path / "thumbs.jsonl"), "--json")
    rows = [json.loads(line) for line in (tmp_path / "thumbs.jsonl").read_text().splitlines()]
    assert json.loads(found.stdout)["rows"] == len(rows) >= 2
    assert {"reviews/1", "reviews-candidate/2"} <= {row["model"] for row in rows}
    assert rlhf("export", "--to-inbox").exit_code == 0


def test_a_talk_goes_on_where_a_thumb_cannot_be_stored(project, monkeypatch, capsys):
    """Another process writes, and goes on writing."""
    monkeypatch.setattr(databases, "BUSY_S", 0.05)
    kept = Thumbs(project / DATABASE)
    kept.give_consent("bob")
    said = Said("chat-talk", "p", "r", "reviews/1", 1.0, 1.0, 3)
    lines = iter(["+", "", "+"])

    def read(_):
        if (line := next(lines, None)) is None:
            raise EOFError
        if not line:
            writer.execute("ROLLBACK")
        return line

    with closing(sqlite3.connect(project / DATABASE, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        Talk(project, [], Drawing(1.0, None, None), "bob", [said]).hold(read)
    told = capsys.readouterr().err
    assert told.index("could not be stored just now: database is locked") < told.index("stored as feedback")
    assert kept.give(said, "bob", Thumb.none) is Outcome.gone
