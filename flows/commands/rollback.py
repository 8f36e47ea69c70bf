"""`rlhf rollback [VERSION] --approver NAME`"""

from __future__ import annotations

from typing import Annotated

import typer

from flows.terminal import next_step, say
from flows.workspace import open_project, with_prefect


def command(
    context: typer.Context,
    approver: Annotated[str, typer.Option(help="Who answers for it.")],
    version: Annotated[
        int | None, typer.Argument(min=1, help="Of the production model; by default the champion before.")
    ] = None,
) -> None:
    """Make an earlier production version the champion again.

    \b
    rlhf rollback --approver ada
    rlhf rollback 2 --approver ada
    """
    root = open_project(context)
    with with_prefect(root, "flows.promote", "components.tracking.preload"):
        from flows.promote import rollback

        done = rollback(root, None if version is None else str(version), approver)
    say(f"{done.model} version {done.version} (candidate {done.candidate}) is the champion")
    next_step("`rlhf status`; .rlhf/audit.jsonl holds who changed the champion, and when")
