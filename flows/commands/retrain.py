"""`rlhf retrain`"""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Annotated, Any

import typer

from components.errors import StoppedError
from flows.terminal import next_step, say
from flows.workspace import open_project, with_prefect

BLOCKED = 4


def command(
    context: typer.Context,
    as_json: Annotated[
        bool, typer.Option("--json", help="The summary as one JSON object on stdout.")
    ] = False,
) -> None:
    """Train a candidate on all accepted feedback, measure it, register it. What is up to date is skipped.

    Exit status 4: the candidate was trained and registered, and a gate blocks it. 75: it was told to end (SIGTERM); a
    stage that trained has written a checkpoint, and the same command goes on there.

    \b
    rlhf retrain
    rlhf retrain --json
    """
    root = open_project(context)
    from flows.locks import refuse_if_busy
    from flows.room import refuse_without_room

    refuse_without_room(root)
    refuse_if_busy(root)
    summary = _unless_told_to_end(root)
    typer.echo(json.dumps(summary)) if as_json else _print(root, summary)
    _finish(summary, as_json)


def _unless_told_to_end(root: Path) -> dict[str, Any]:
    try:
        return _run(root)
    except SystemExit as ended:
        # What the handler of SIGTERM raises (flows/cli.py), once Prefect has closed the run.
        if ended.code != 128 + signal.SIGTERM:
            raise
        from flows.stage_errors import GOES_ON

        raise StoppedError("the retraining was told to end (SIGTERM)", GOES_ON) from None


def _run(root: Path) -> dict[str, Any]:
    with with_prefect(root, "flows.retrain", "components.tracking.preload"):
        from prefect import tags

        from flows.dead_runs import workspace_tag
        from flows.display import on_terminal
        from flows.project import registry_tag
        from flows.retrain import retrain

        with on_terminal(), tags(workspace_tag(root), registry_tag(root)):
            return retrain(root)


def _print(root: Path, summary: dict[str, Any]) -> None:
    from flows.report import how_to_open_mlflow

    for version in summary["versions"].values():
        say(f"{version['name']} version {version['version']}{'' if version['created'] else ' (as before)'}")
    say(f"candidate: {summary['verdict']}", "green" if summary["verdict"] == "READY" else "red")
    for reason in summary["reasons"]:
        say(f"  {reason}")
    say(f"report: {root / 'reports/report.html'}")
    say(f"MLflow: {how_to_open_mlflow(root)}")


def _finish(summary: dict[str, Any], as_json: bool) -> None:
    if summary["verdict"] != "READY":
        next_step("read the report; add feedback or change params.yaml, then `rlhf retrain`", as_json=as_json)
        raise typer.Exit(BLOCKED)
    version = summary["versions"]["candidate"]["version"]
    or_there = f", or decide at {summary['asked']}" if summary["asked"] else ""
    next_step(f"read the report, then `rlhf promote {version} --approver NAME`{or_there}", as_json=as_json)
