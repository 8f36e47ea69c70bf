"""`rlhf chat` as people give it: in a terminal, from a pipe, and its exports."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys

import pytest
from chat.chat_case import PROMPT, connected, thumbs
from tracking.fake_workspace import PROJECT
from typer.testing import CliRunner

from components.errors import RlhfError
from components.modeling.exploration import Exploration
from components.modeling.generation import answer
from components.modeling.loading import load_policy
from components.tracking.loading import load_version
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


def test_beyond_loopback_a_key_is_wanted(rlhf, monkeypatch):
    monkeypatch.delenv("RLHF_API_KEY", raising=False)
    found = rlhf("serve", "--host", "0.0.0.0")  # noqa: S104
    assert "could ask the models" in found.exception.message
    assert "RLHF_API_KEY" in found.exception.remedy


@pytest.mark.parametrize("words", [("export",), ("export", "x.jsonl", "--to-inbox"), ("export", "x.csv")])
def test_an_export_goes_to_one_place(rlhf, words):
    assert rlhf(*words).exit_code == 2


class Terminal:
    """`rlhf chat` on a pseudo-terminal."""

    def __init__(self, project, *words):
        self._ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "flows.cli", "chat", *words]
        environment = os.environ | {"PYTHONPATH": str(PROJECT), "TERM": "dumb", "OMP_NUM_THREADS": "1"}
        environment.pop("MLFLOW_TRACKING_URI", None)
        self.process = subprocess.Popen(
            command, cwd=project, stdin=theirs, stdout=theirs, stderr=theirs, env=environment
        )
        os.close(theirs)
        self.text = ""

    def until(self, word):
        """What is shown until the word comes."""
        while word not in self.text:
            assert select.select([self._ours], [], [], 120)[0], self.text
            part = os.read(self._ours, 65_536)
            assert part, self.text
            self.text += part.decode("utf-8", "replace")
        shown, _, self.text = self.text.partition(word)
        return shown

    def type(self, text):
        os.write(self._ours, text.encode())

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self._ours)


def test_a_talk_with_a_thumb_after_a_consent(project, rlhf, tmp_path):
    before = len(thumbs(project))
    terminal = Terminal(
        project, "--as", "ann", "--max-tokens", "5", "--temperature", "0", "--with", "candidate"
    )
    try:
        terminal.until("> ")
        terminal.type("+\n")
        terminal.until("ask something first")
        terminal.type(f"{PROMPT}\n")
        terminal.until("1. reviews/1")
        terminal.until("2. reviews-candidate/2")
        terminal.until("stars")
        terminal.type("+\n")
        terminal.until("say which answer: +1, -2")
        terminal.type("-2\n")
        terminal.until("a thumb stores your prompt and this answer as feedback")
        terminal.until("go on? [y/N] ")
        terminal.type("n\n")
        terminal.until("nothing was stored")
        assert len(thumbs(project)) == before
        terminal.type("-2\n")
        terminal.until("go on? [y/N] ")
        terminal.type("y\n")
        terminal.until("stored as feedback")
        # From here on nobody asks again.
        terminal.type("+1\n")
        terminal.until("stored as feedback")
        terminal.type("\x04")
        terminal.until("next: ")
        assert terminal.process.wait(timeout=60) == 0
    finally:
        terminal.close()
    second, first = thumbs(project)[-2:]
    assert (second["model"], second["up"], second["annotator"]) == ("reviews-candidate/2", 0, "ann")
    assert (first["model"], first["up"], first["prompt"]) == ("reviews/1", 1, PROMPT)
    found = rlhf("export", str(tmp_path / "thumbs.jsonl"), "--json")
    rows = [json.loads(line) for line in (tmp_path / "thumbs.jsonl").read_text().splitlines()]
    assert json.loads(found.stdout)["rows"] == len(rows) >= 2
    assert {"reviews/1", "reviews-candidate/2"} <= {row["model"] for row in rows}
    assert rlhf("export", "--to-inbox").exit_code == 0
