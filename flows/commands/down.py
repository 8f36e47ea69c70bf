"""`rlhf down`"""

from __future__ import annotations

import json
from typing import Annotated

import typer

from flows.terminal import next_step, note, say
from flows.workspace import open_project


def command(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """End everything that `rlhf up` started: the deployments and their runs first, then the servers.

    A stage that is at work may write a checkpoint first, which takes up to half a minute. What a killed supervisor
    left behind is ended, too. Where nothing runs, nothing happens.

    \b
    rlhf down
    """
    root = open_project(context)
    from flows.up.ending import stop
    from flows.up.starting import running

    if running(root):
        note("ending the deployments, then the servers")
    ended = stop(root)
    if as_json:
        typer.echo(json.dumps({"ended": ended}))
    else:
        say(f"ended: {ended}" if ended else "nothing was running")
    next_step("`rlhf up` starts everything again; other commands work without it", as_json=as_json)
