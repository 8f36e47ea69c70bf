"""The page of all commands, made from the very objects that read a command line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from docs.tables import cell
from flows.cli import app

_ABOUT = """# Commands

Made from the code when this site is built: what stands here is what `rlhf COMMAND --help` says.
`rlhf --debug COMMAND` shows tracebacks and Prefect's own lines.
"""


def commands_page() -> str:
    """Markdown: a section a command, with usage, examples, arguments and options."""
    root = typer.main.get_command(app)
    context = root.make_context("rlhf", [], resilient_parsing=True)
    found = list(commands(root, context))
    return "\n".join([_ABOUT, str(root.epilog), "", _index(found), *(_section(*pair) for pair in found)])


def commands(group: Any, context: Any) -> Iterator[tuple[str, Any, Any]]:
    """Each command below a group, groups too: full name, command, and a context for it."""
    for name, command in group.commands.items():
        inner = type(context)(command, info_name=name, parent=context)
        yield inner.command_path, command, inner
        if hasattr(command, "commands"):
            yield from commands(command, inner)


def _index(found: list[tuple[str, Any, Any]]) -> str:
    lines = [f"- [`{name}`](#{anchor(name)}): {_summary(command)}" for name, command, _ in found]
    return "\n".join([*lines, ""])


def anchor(name: str) -> str:
    """Where a command's section is on the page."""
    return name.replace(" ", "-")


def _summary(command: Any) -> str:
    return str(command.help).split("\n\n")[0].replace("\n", " ")


def _section(name: str, command: Any, context: Any) -> str:
    level = "#" * (len(name.split()) + (0 if len(name.split()) > 1 else 1))
    parts = [f"{level} `{name}` {{ #{anchor(name)} }}", "", _text(command.help), ""]
    # A group of commands may do something by itself, too.
    if getattr(command, "invoke_without_command", True):
        parts += ["```text", context.command.get_usage(context), "```", "", *_table(command, context)]
    return "\n".join(parts)


def _text(text: str) -> str:
    """Help as Markdown: a paragraph that begins with \\b is shown as it is, for it holds examples."""
    blocks = [block.strip("\n") for block in text.split("\n\n")]
    return "\n\n".join(
        "```sh\n" + block.replace("\b", "").strip("\n") + "\n```" if "\b" in block else block
        for block in blocks
    )


def _table(command: Any, context: Any) -> list[str]:
    records = [param.get_help_record(context) for param in command.params]
    rows = [f"| {cell(f'`{names}`')} | {cell(text)} |" for names, text in filter(None, records)]
    table = ["| argument or option | meaning |", "|---|---|", *rows]
    return ['<div class="keys" markdown>', "", *table, "", "</div>", ""] if rows else []
