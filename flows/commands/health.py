"""`rlhf health`"""

from __future__ import annotations

import json
from typing import Annotated

import typer

from flows.terminal import next_step, say
from flows.workspace import open_project, with_prefect


def command(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Everything as one JSON object on stdout.")] = False,
) -> None:
    """Show how the pipeline is: what came in, what waits for whom, what failed, the champion, the disk.

    Since the last weekly report, which `rlhf serve` writes and sends; this one is written to reports/health.md.

    \b
    rlhf health
    rlhf health --json
    """
    root = open_project(context)
    with with_prefect(root, "flows.health.report", "components.tracking.preload"):
        from flows.health.report import look_at_health, write_health

        seen = look_at_health(root)
        page = write_health(root, seen)
    typer.echo(json.dumps(seen)) if as_json else say(page)
    first = next((f"`{each['do']}`" for each in seen["waits"]), "nothing waits for anybody")
    next_step(first, as_json=as_json)
