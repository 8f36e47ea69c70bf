"""`rlhf clean`"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.terminal import next_step, note, notes, plain, results, say
from flows.workspace import open_project

if TYPE_CHECKING:
    from components.cleaning.cleaning import Cleaned
    from components.cleaning.item import Item

_MB = 1e6


def command(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Remove it; without this nothing is changed.")] = False,
    older_than: Annotated[
        float | None,
        typer.Option(
            min=0, metavar="DAYS", help="In place of retention.grace_days; 0 also takes what is of today."
        ),
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="Name each thing, not only how many.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Everything as one JSON object on stdout.")] = False,
) -> None:
    """Free disk: what no registered version, open run or lineage needs. Without --yes only shows what would go.

    What stays is set in params.yaml, section retention. Never goes: the champion and those before it, what waits for
    a reviewer, what these were made from, unfinished runs, the audit log. Exit status 5: something runs here.

    \b
    rlhf clean
    rlhf clean --yes
    rlhf clean --older-than 0 --yes        also what was withdrawn just now
    """
    root = open_project(context)
    from flows.clean import clean_workspace, what_may_go

    with notes().status("looking") as status:

        def tell(item: Item) -> None:
            status.update(plain(f"removing {item.name}"))

        found = clean_workspace(root, older_than, tell) if yes else what_may_go(root, older_than)
    typer.echo(json.dumps(_json(found, yes))) if as_json else _print(found, yes, show)
    next_step(_next(found, yes), as_json=as_json)


def _next(found: Cleaned, yes: bool) -> str:
    if found.items and not yes:
        return "`rlhf clean --yes` removes it; `--list` names each"
    return "`rlhf status`"


def _json(found: Cleaned, yes: bool) -> dict[str, Any]:
    return {
        "removed": yes,
        "items": [_item(item) for item in found.items],
        "refused": [_item(item) | {"reason": reason} for item, reason in found.refused],
        "withdrawn_but_held": found.held,
        "bytes_before": found.before,
        "bytes_after": found.after,
    }


def _item(item: Item) -> dict[str, Any]:
    return {"kind": item.kind, "name": item.name, "bytes": item.size, "why": item.why}


def _print(found: Cleaned, yes: bool, show: bool) -> None:
    say("Removed" if yes else "May go", "bold")
    if found.items:
        results().print(_table(found.items))
    else:
        say("  nothing")
    if show:
        for item in found.items:
            say(f"  {item.kind}: {item.name}, {item.size / _MB:.1f} MB")
    for item, reason in found.refused:
        note(f"not removed: {item.name}: {reason}", "yellow")
    for batch, versions in found.held.items():
        say(f"withdrawn rows of {batch} are kept in DVC's cache for {', '.join(versions)}", "yellow")
    if yes:
        before, after = found.before / _MB, found.after / _MB
        say(f"on the disk {before:.1f} MB before, {after:.1f} MB after: {before - after:.1f} MB are free")
    else:
        total = sum(item.size for item in found.items) / _MB
        say(f"{total:.1f} MB of {found.before / _MB:.1f} MB would be free")


def _table(items: list[Item]) -> Any:
    from rich.table import Table

    groups: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for item in items:
        groups[item.kind, item.why].append(item)
    table = Table("what", "why it may go", box=None, pad_edge=False)
    table.add_column("how many", justify="right")
    table.add_column("MB", justify="right")
    for (kind, why), each in groups.items():
        size = sum(item.size for item in each) / _MB
        table.add_row(plain(kind), plain(why), str(len(each)), f"{size:.1f}")
    return table
