"""`rlhf promote VERSION --approver NAME`"""

from __future__ import annotations

from typing import Annotated

import typer

from flows.terminal import next_step, say
from flows.workspace import open_project, with_prefect


def command(
    context: typer.Context,
    version: Annotated[int, typer.Argument(min=1, help="Of the candidate, as `rlhf status` shows it.")],
    approver: Annotated[str, typer.Option(help="Who answers for it; not who trained it.")],
) -> None:
    """Put a candidate into production: copy its files, check their SHA-256, make it the champion.

    \b
    rlhf promote 3 --approver ada
    """
    root = open_project(context)
    with with_prefect(root, "flows.promote", "components.tracking.preload"):
        from flows.promote import promote

        done = promote(root, str(version), approver)
    told = "is now" if done.changed else "was already"
    say(f"{done.model} version {done.version} (candidate {done.candidate}) {told} the champion")
    say(f"SHA-256 of its files: {done.digest}")
    next_step('`rlhf generate "PROMPT"` asks it; `rlhf rollback --approver NAME` takes it back')
