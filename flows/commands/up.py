"""`rlhf up`"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.terminal import next_step, note, say
from flows.workspace import open_project

if TYPE_CHECKING:
    from flows.preflight.findings import Finding
    from flows.up.record import Record

_NEXT = "`rlhf retrain`, or open a page; `rlhf down` ends everything"


def command(
    context: typer.Context,
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Stay, for systemd and containers; SIGTERM ends everything.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Start what a team needs on one machine: Prefect's and MLflow's servers and the served deployments.

    First everything is looked at that `rlhf doctor` looks at; with a problem nothing is started (exit status 1). What
    ends by itself is started again. Run it again to start what is missing. Other commands in this workspace find the
    servers by themselves. Ports and host stand under `servers` in params.yaml, logs in .rlhf/up.

    \b
    rlhf up
    rlhf up --json
    rlhf up --foreground
    """
    root = open_project(context)
    from flows.up.starting import running

    known = running(root)
    # While something runs, its own servers need not be looked at before it is told where they are.
    findings = [] if known else _examine(root, as_json)
    _stay(root) if foreground else _start(root, known, findings, as_json)


def _examine(root: Path, as_json: bool) -> list[Finding]:
    """What is not as it should be. With a problem the command ends here."""
    from flows.preflight.examine import examine
    from flows.preflight.findings import OK, has_problem

    findings = [each for each in examine(root) if each.level != OK]
    for each in findings:
        note(f"{each.level}: {each.name}: {each.what}", "red" if each.level == "problem" else "yellow")
        note(f"  remedy: {each.remedy}")
    if not has_problem(findings):
        return findings
    if as_json:
        typer.echo(json.dumps({"running": False, "findings": [asdict(each) for each in findings]}))
    next_step("mend what is called a problem, then `rlhf up` again; nothing was started", as_json=as_json)
    raise typer.Exit(1)


def _stay(root: Path) -> None:
    from flows.up.supervisor import supervise

    note("starting; `rlhf up` elsewhere in this workspace tells when all is there, Ctrl-C ends everything")
    supervise(root)


def _start(root: Path, known: Record | None, findings: list[Finding], as_json: bool) -> None:
    from flows.up.starting import start

    record = start(root, _teller())
    urls = {name: program.url for name, program in record.programs.items() if program.url}
    if as_json:
        told: dict[str, Any] = {"running": True, "already": known is not None, **urls}
        told |= {"programs": {name: each.state for name, each in record.programs.items()}}
        told |= {"since": record.since, "findings": [asdict(each) for each in findings]}
        typer.echo(json.dumps(told))
    else:
        say(f"runs already, since {record.since}" if known else "everything runs", "green")
        for name, url in urls.items():
            say(f"{name}: {url}")
    next_step(_NEXT, as_json=as_json)


def _teller() -> Callable[[Record], None]:
    """Says what became of each program, when it changes, and after how long."""
    begun, told = time.monotonic(), {}

    def tell(record: Record) -> None:
        for name, program in record.programs.items():
            said = program.state + (f" ({program.said})" if program.said and program.state != "up" else "")
            if told.get(name) != said and program.state != "waiting":
                note(f"{time.monotonic() - begun:5.1f} s  {name}: {said}")
            told[name] = said

    return tell
