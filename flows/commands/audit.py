"""`rlhf audit [--restart --approver NAME --why TEXT]`"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.statuses import DAMAGED
from flows.terminal import next_step, note, say
from flows.workspace import open_project

if TYPE_CHECKING:
    from components.tracking.audit_trail import Trail


def command(
    context: typer.Context,
    as_json: Annotated[
        bool, typer.Option("--json", help="Lines, faults and notes as one JSON object on stdout.")
    ] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Put a broken log aside and begin one that tells of it.")
    ] = False,
    approver: Annotated[str, typer.Option(help="With --restart: who answers for it.")] = "",
    why: Annotated[str, typer.Option(help="With --restart: what was found out.")] = "",
) -> None:
    """Show who put which version into production and when, and check that nobody changed the log.

    Each line bears the SHA-256 of the line before; MLflow has that of the last. Exit status 6: a line was
    edited, removed or slipped in; it is named. Then `rlhf promote` refuses; `rlhf rollback` works.

    \b
    rlhf audit
    rlhf audit --restart --approver ada --why "the disk was full, line 5 is lost"
    """
    root = open_project(context)
    from components.tracking.promotion import look_at_log
    from components.tracking.tracker import connect

    if (approver or why) and not restart:
        raise typer.BadParameter("goes with --restart", param_hint="--approver, --why")
    tracker = connect(root)
    if restart:
        _restart(tracker, approver, why)
    trail = look_at_log(tracker)
    typer.echo(json.dumps(_json(trail))) if as_json else _print(root, trail)
    if trail.faults:
        next_step("find out who changed it; `rlhf audit --help` tells what then", as_json=as_json)
        raise typer.Exit(DAMAGED)
    next_step("`rlhf verify` checks the files of the champion, and what they came from", as_json=as_json)


def _restart(tracker: Any, approver: str, why: str) -> None:
    from components.tracking.promotion import restart_log

    note(f"the broken log lies in {restart_log(tracker, approver, why)}")


def _json(trail: Trail) -> dict[str, Any]:
    return {
        "lines": [line.entry or {"torn": line.content.decode(errors="replace")} for line in trail.lines],
        "faults": [{"line": fault.line, "message": fault.message} for fault in trail.faults],
        "notes": trail.notes,
        "whole": not trail.faults,
    }


def _print(root: Path, trail: Trail) -> None:
    from components.tracking.audit import log_path

    say("Who changed the champion" if trail.lines else "Nobody has changed the champion yet", "bold")
    for at, line in enumerate(trail.lines, start=1):
        say(f"  {at}  {_sentence(line.entry)}")
    for text in trail.notes:
        say(f"note: {text}", "yellow")
    for fault in trail.faults:
        say(f"broken: {fault.message}", "red")
    if trail.lines and not trail.faults:
        chained = sum(line.is_chained for line in trail.lines)
        say(f"{log_path(root).relative_to(root)} is whole: {chained} of {len(trail.lines)} lines chained")


def _sentence(entry: dict[str, Any] | None) -> str:
    """Such as "2026-11-24T03:22:16  promote  version 2 (candidate 3; before: 1), approved by ada, run by bo"."""
    if entry is None:
        return "(torn by a writer that was killed)"
    candidate = f"candidate {entry['candidate_version']}; " if entry.get("candidate_version") else ""
    before = entry.get("previous_version") or "none"
    approved = f"approved by {entry['approver']}, " if entry.get("approver") else ""
    people = f"{approved}run by {entry.get('by')}"
    why = f": {entry['why']}" if entry.get("why") else ""
    act = f"{entry.get('action', '?')!s:<8}  version {entry.get('version')} ({candidate}before: {before})"
    return f"{entry.get('time', '?')}  {act}, {people}{why}"
