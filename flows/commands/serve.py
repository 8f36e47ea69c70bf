"""`rlhf serve`"""

from __future__ import annotations

import os

import typer

from components.errors import RlhfError
from flows.terminal import next_step
from flows.workspace import open_project


def command(context: typer.Context) -> None:
    """Stay, and run what a lasting Prefect server starts in this project, by the clock, by events, and by people.

    That is: taking in the inbox, retraining, carrying out approvals, the weekly health report, a reviewer's answer
    in Prefect's UI. `schedule` in params.yaml says when; it is read once, now. PREFECT_API_URL names the server.
    While nobody serves, questions and answers wait in the server's database. Ends with Ctrl-C or SIGTERM.

    \b
    prefect server start
    PREFECT_API_URL=http://127.0.0.1:4200/api rlhf serve
    """
    root = open_project(context)
    refuse_embedded()
    os.chdir(root)
    from flows.deployments import serve_deployments

    next_step(
        "`rlhf ingest FILE`; what runs is on the server's page, what waits in `rlhf status`", as_json=True
    )
    serve_deployments(root)


def refuse_embedded() -> None:
    """Raises RlhfError if no lasting Prefect server is named."""
    if not os.environ.get("PREFECT_API_URL"):
        raise RlhfError(
            "PREFECT_API_URL names no Prefect server: the embedded one has no pages and ends with each command",
            "`prefect server start`, then `export PREFECT_API_URL=http://127.0.0.1:4200/api` and again",
        )
