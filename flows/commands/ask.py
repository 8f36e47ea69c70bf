"""`rlhf ask CANDIDATE`"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from flows.commands.serve import refuse_embedded
from flows.terminal import next_step, say
from flows.workspace import open_project


def command(
    context: typer.Context,
    version: Annotated[
        int, typer.Argument(min=1, help="Number of the candidate, as `rlhf status` shows it.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Ask a reviewer about a candidate in Prefect's UI. A retraining does so by itself where `rlhf serve` runs.

    The run shows the candidate's figures and waits for promote or decline, an approver and a reason; the rules are
    those of `rlhf promote`. Refused with exit status 4: a candidate that a gate blocks or whose files were changed,
    and any where MLflow keeps roles, for Prefect does not know who answers.

    \b
    rlhf ask 3
    """
    root = open_project(context)
    refuse_embedded()
    from flows.asking import ask

    asked = ask(root, str(version))
    if as_json:
        typer.echo(json.dumps(asdict(asked)))
    else:
        say(
            f"candidate {version} {'waits' if asked.is_new else 'waited already'} for a reviewer: {asked.url}"
        )
    next_step("open it and choose Resume when the run is suspended", as_json=as_json)
