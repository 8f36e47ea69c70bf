"""`rlhf notifications`"""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from flows.terminal import next_step, note, say
from flows.workspace import open_project


def command(
    context: typer.Context,
    count: Annotated[int, typer.Option("--last", min=1, help="How many of them.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Show what people were told, what a notifier has not taken yet, and what waits for whom.

    Notifiers are named in params.yaml under notifications; this shows the lines of "log".

    \b
    rlhf notifications
    rlhf notifications --last 5 --json
    """
    root = open_project(context)
    from flows.health.waiting import waits_or_why
    from flows.news.log_file import FILE, read_entries
    from flows.news.outbox import unsent

    told = read_entries(root / FILE)[-count:]
    owed = [{"subject": letter.news.subject, "owed": letter.owed} for letter in unsent(root)]
    waiting = waits_or_why(root)
    if as_json:
        typer.echo(json.dumps({"told": told, "not_delivered": owed, "waits": waiting}))
    else:
        _print(told, owed, waiting)
    first = next((f"`{each['do']}`" for each in waiting), "nothing waits for anybody")
    next_step(first, as_json=as_json)


def _print(told: list[dict[str, Any]], owed: list[dict[str, Any]], waiting: list[dict[str, str]]) -> None:
    for entry in told:
        say(f"{entry['time']}  {entry['kind']}: {entry['subject']}")
    if not told:
        say("nobody was told of anything yet")
    for letter in owed:
        for name, why in letter["owed"].items():
            note(f"{name} has not taken {letter['subject']!r}: {why}", "yellow")
    for each in waiting:
        say(f"waits for the {each['for']}: {each['what']}")
