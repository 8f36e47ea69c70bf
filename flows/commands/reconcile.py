"""`rlhf reconcile`"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from components.errors import RlhfError
from flows.ending import ending, polite_end, undisturbed
from flows.terminal import note, say
from flows.workspace import open_project, with_prefect

if TYPE_CHECKING:
    from components.tracking.reconciling import Outcome

REFUSED = 4


def command(
    context: typer.Context,
    watch: Annotated[
        float | None,
        typer.Option(min=1, metavar="SECONDS", help="Stay, and look again after so long."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a request on stdout.")] = False,
) -> None:
    """Carry out what reviewers approved in MLflow's UI: promote, or tell there why not.

    Asked for by the tag `approve` = `3 ada` on the production model's page (candidate 3, approver ada), or
    `3@94fc41d4 ada` (only if the candidate's SHA-256 still begins so); on a
    server without roles also by the alias `approved` on a candidate whose tag `approver` names who approves.
    The answer is the tag `approval` of the same page. With roles, run it as a reviewer:
    deploy/mlflow-auth/README.md. Exit status 4 when a request was refused (without --watch).

    \b
    rlhf reconcile
    rlhf reconcile --watch 60
    """
    root = open_project(context)
    with polite_end(), with_prefect(root, "flows.reconcile", "components.tracking.preload"):
        from flows.reconcile import reconcile

        if watch is None:
            outcomes: list[Outcome] = undisturbed(reconcile, root)
            _tell(outcomes, as_json)
            if not all(each.promoted for each in outcomes):
                raise typer.Exit(REFUSED)
            return
        told: list[Outcome] = []
        while not ending.is_set():
            try:
                outcomes = undisturbed(reconcile, root)
            except RlhfError as error:
                note(f"error: {error.message}", "red")
                note(f"remedy: {error.remedy}")
            else:
                # A request that may not be removed would be told at every look.
                _tell([each for each in outcomes if each not in told], as_json)
                told = outcomes
            ending.wait(watch)


def _tell(outcomes: list[Outcome], as_json: bool) -> None:
    for each in outcomes:
        said = json.dumps(asdict(each)) if as_json else f"candidate {each.candidate}: {each.reason}"
        say(said)
