"""`rlhf promote VERSION --approver NAME`"""

from __future__ import annotations

from typing import Annotated

import typer

from flows.terminal import next_step, say
from flows.workspace import open_project, with_prefect


def command(
    context: typer.Context,
    version: Annotated[
        int, typer.Argument(min=1, help="Number of the candidate, as `rlhf status` shows it.")
    ],
    approver: Annotated[str, typer.Option(help="Who answers for it: you; not who trained it.")],
    sha256: Annotated[
        str | None,
        typer.Option(metavar="DIGITS", help="Of the files you looked at, 8 digits or more: none but those."),
    ] = None,
) -> None:
    """Put a candidate into production: copy its files, check their SHA-256, make the copy the champion.

    The copy has a version number of its own, of the production model; `rlhf rollback` takes that one.
    Refused with exit status 4: a candidate that a gate blocks or whose files were changed, an approver who
    trained it, a broken audit log. Then nothing has changed. Killed on the way, it is finished by giving it again.

    \b
    rlhf diff champion candidate        what would change
    rlhf promote 3 --approver ada
    rlhf promote 3 --approver ada --sha256 94fc41d4   as `rlhf status` shows it
    rlhf rollback --approver ada        and back
    """
    root = open_project(context)
    with with_prefect(root, "flows.promote", "components.tracking.preload"):
        from flows.promote import promote

        done = promote(root, str(version), approver, sha256)
    told = "is now" if done.changed else "was already"
    before = f"; before it was version {done.previous}" if done.changed and done.previous else ""
    say(f"{done.model} version {done.version} (candidate {done.candidate}) {told} the champion{before}")
    say(f"SHA-256 of its files: {done.digest}")
    next_step(
        '`rlhf generate "PROMPT"` asks it; `rlhf rollback --approver NAME` takes it back, `rlhf audit` tells who'
    )
