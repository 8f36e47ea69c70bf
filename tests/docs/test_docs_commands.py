"""Every `rlhf ...` that is written anywhere is one that the program takes."""

from __future__ import annotations

from typing import Any

import pytest
import typer
from docs_texts import PAGES, ROOT, TEXTS, Said, inline, rlhf_words, shell_lines

from flows.cli import app

CLI = typer.main.get_command(app)
#: Of whatever click typer brings: the class of a missing or wrong argument, and of an unknown option.
USAGE_ERROR: Any = typer.BadParameter.__mro__[1]
WHOLE = [
    Said(str(path.relative_to(ROOT)), line)
    for path in PAGES
    for line in shell_lines(path)
    if rlhf_words(line)
]


def found_fault(words: list[str], whole: bool) -> str | None:
    """What is wrong with a call, None where nothing is.

    Args:
        whole: it is a line to be given as it stands; else part of a sentence, which may leave arguments out.
    """
    command: Any = CLI
    context = CLI.make_context("rlhf", [], resilient_parsing=True)
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        if words[0] not in command.commands:
            return None if words[0] == "..." and not whole else f"no command {words[0]!r}"
        command, words = command.commands[words[0]], words[1:]
        context = type(context)(command, info_name=command.name, parent=context)
    return fault_of_words(command, context, words, whole)


def fault_of_words(command: Any, context: Any, words: list[str], whole: bool) -> str | None:
    known = {name for param in command.get_params(context) for name in (*param.opts, *param.secondary_opts)}
    for word in words:
        name = word.strip("[]").split("=")[0]
        if name.startswith("-") and name not in known:
            return f"no option {name!r}"
    if not whole or hasattr(command, "commands"):
        return None
    try:
        command.make_context(command.name, list(words), parent=context.parent)
    except USAGE_ERROR as error:
        return error.format_message()
    return None


@pytest.mark.parametrize("said", WHOLE, ids=lambda said: f"{said.where}: {said.what}")
def test_a_line_of_the_pages_is_taken(said, tmp_path, monkeypatch):
    """With values of the right types and all that is required; files that it names are there."""
    monkeypatch.chdir(tmp_path)
    words = rlhf_words(said.what)
    for word in words:
        if "." in word and "/" not in word and not word.startswith("-"):
            (tmp_path / word).touch()
    assert found_fault(words, whole=True) is None


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_sentence_names_is_there(path):
    """Commands and options in running text, and in the blocks of README.md and deploy/."""
    named = [said.what for said in inline(path)] + ([] if path in PAGES else shell_lines(path))
    calls = {call: rlhf_words(call.replace("\\|", "/")) for call in named if call.startswith("rlhf ")}
    assert {call: found_fault(words, whole=False) for call, words in calls.items()} == dict.fromkeys(calls)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("rlhf ingets batch.jsonl", "no command 'ingets'"),
        ("rlhf feedback shwo BATCH", "no command 'shwo'"),
        ("rlhf retrain --fast", "no option '--fast'"),
        ("rlhf clean --older-then 0", "no option '--older-then'"),
        ("rlhf promote 3", "Missing option '--approver'"),
        ("rlhf roles", "Missing argument"),
        ("rlhf generate hello --model best", "'--model'"),
        ("rlhf clean --older-than soon", "'--older-than'"),
    ],
)
def test_a_wrong_one_is_found(line, fault):
    assert fault in (found_fault(rlhf_words(line), whole=True) or "")


def test_there_are_commands_to_look_at():
    assert len(WHOLE) > 60
    assert {line.split()[1] for _, line in WHOLE} >= {
        "ingest",
        "retrain",
        "promote",
        "rollback",
        "collect",
        "up",
    }
