"""`rlhf doctor`"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from flows.preflight.findings import OK, PROBLEM, Finding, has_problem
from flows.terminal import next_step, say
from flows.workspace import open_project

_STYLES = {"ok": "green", "warning": "yellow", "problem": "red"}


def command(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Look whether this machine and workspace are fit to run by themselves; nothing is changed.

    Each line is ok, a warning (things run, but not as they should) or a problem (they don't), with its remedy.
    Exit status 1: there is a problem.

    \b
    rlhf doctor
    rlhf doctor --json
    """
    root = open_project(context)
    from flows.preflight.examine import examine

    findings = examine(root)
    if as_json:
        typer.echo(json.dumps({"fit": not has_problem(findings), "findings": [*map(asdict, findings)]}))
    else:
        for each in findings:
            show(each)
    _finish(findings, as_json)


def show(finding: Finding) -> None:
    """A line, and its remedy below it."""
    say(f"{finding.level}: {finding.name}: {finding.what}", _STYLES[finding.level])
    if finding.remedy:
        say(f"  remedy: {finding.remedy}")


def _finish(findings: list[Finding], as_json: bool) -> None:
    levels = {each.level for each in findings}
    if PROBLEM in levels:
        next_step("mend what is called a problem, then `rlhf doctor` again", as_json=as_json)
        raise typer.Exit(1)
    fine = "`rlhf up`" if levels == {OK} else "`rlhf up` works; mend the warnings when you can"
    next_step(fine, as_json=as_json)
