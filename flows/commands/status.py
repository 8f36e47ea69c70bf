"""`rlhf status`"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.terminal import next_step, plain, results, say
from flows.workspace import open_project


def command(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Everything as one JSON object on stdout.")] = False,
) -> None:
    """Show batches, stages, last runs, candidate, champion, and what to do next.

    \b
    rlhf status
    rlhf status --json
    """
    root = open_project(context)
    from flows.overview import overview

    seen = overview(root)
    if as_json:
        typer.echo(json.dumps(seen))
    else:
        _print(root, seen)
    next_step(seen["next"], as_json=as_json)


def _print(root: Path, seen: dict[str, Any]) -> None:
    columns = ("batch", "status", "read", "accepted", "quarantined", "duplicates")
    table("Feedback", columns, seen["batches"])
    table("Stages", ("stage", "state"), seen["stages"])
    table("Last runs", ("stage", "status", "ended", "run"), seen["runs"])
    for kind in ("candidate", "champion"):
        _version(kind, seen[kind])
    for each in seen["opinions"]:
        say(each["told"])


def table(title: str, columns: tuple[str, ...], rows: Iterable[dict[str, Any]]) -> None:
    """Print these columns of the rows."""
    from rich.table import Table

    shown = Table(title=title, title_justify="left", box=None)
    for column in columns:
        # The first is what other commands ask for: never cut.
        shown.add_column(column, no_wrap=column == columns[0])
    for row in rows:
        shown.add_row(*(plain(str(row[column])) for column in columns))
    results().print(shown if shown.row_count else plain(f"{title}: none yet"))


def _version(kind: str, version: dict[str, Any] | None) -> None:
    if version is None:
        say(f"{kind}: none yet")
        return
    verdict = f", {version['verdict']}" if version.get("verdict") else ""
    people = (
        f", candidate {version['candidate']}, approved by {version['approver']}"
        if "approver" in version
        else ""
    )
    digest = f", SHA-256 {version['sha256'][:12]}" if version.get("sha256") else ""
    say(f"{kind}: {version['name']} version {version['version']}{verdict}{people}{digest}")
    if version.get("description") and kind == "candidate" and not version["reasons"]:
        say(f"  {version['description'].removeprefix(version['verdict'] + '. ')}")
    for reason in version.get("reasons", ()):
        say(f"  {reason}")
    for batch, rows in version["withdrawn_since"].items():
        say(
            f"  learned from {rows} rows of {batch} that were withdrawn; the next `rlhf retrain` does without"
        )
