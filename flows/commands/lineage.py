"""`rlhf lineage [VERSION]`"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from flows.terminal import next_step, say
from flows.versions import Model, Version
from flows.workspace import open_project


def command(
    context: typer.Context,
    version: Version = None,
    model: Model = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything as one JSON object on stdout.")] = False,
) -> None:
    """Show where a version comes from: feedback and what became of it, data, code, parameters, parents, people.

    \b
    rlhf lineage
    rlhf lineage candidate
    rlhf lineage 3 --model candidate --json
    """
    root = open_project(context)
    from components.tracking.origins import origin_of
    from components.tracking.picking import pick
    from components.tracking.tracker import connect, mlflow_errors

    tracker = connect(root)
    with mlflow_errors():
        origin = origin_of(tracker, pick(tracker, version, model and model.value))
    typer.echo(json.dumps(origin)) if as_json else _print(origin)
    number = f"{origin['version']} --model {'candidate' if origin['model'] != tracker.name else 'production'}"
    next_step(f"`rlhf verify {number}` recomputes every digest of it", as_json=as_json)


def _print(origin: Mapping[str, Any]) -> None:
    champion = ", the champion" if origin["is_champion"] else ""
    say(f"{origin['model']} version {origin['version']} (candidate {origin['candidate']}){champion}", "bold")
    for label, value in _facts(origin):
        say(f"  {label:<12}{value}")
    _print_feedback(origin["feedback"])
    _print_automatic(origin["automatic"])
    _section(
        "Parameters", origin["params"], "not recorded: it was registered by an older version; see its runs"
    )
    _section("MLflow runs by stage", origin["runs"], "not recorded: see the run above")
    _section("DVC's digests", origin["dvc"], "none")


def _facts(origin: Mapping[str, Any]) -> list[tuple[str, str]]:
    parents = (f"{name} version {number}" for name, number in origin["parents"].values())
    acts = (f"{act['action']} by {act['approver']}, {act['time']}" for act in origin["acts"])
    facts = [
        ("verdict", origin["verdict"]),
        ("trained", f"by {origin['author']}, {origin['created_at']}"),
        (
            "approved",
            "; ".join(acts) or (f"by {origin['approver']}" if origin["approver"] else "by nobody yet"),
        ),
        ("parents", ", ".join(parents)),
        ("base", origin["base"] or "not recorded"),
        ("commit", origin["git_commit"].replace("-dirty", " and changes that were not committed")),
        ("MLflow run", origin["mlflow_run"]),
        ("Prefect run", origin["prefect_run"] or "none"),
        ("SHA-256", origin["sha256"]),
    ]
    return [(label, value) for label, value in facts if value]


def _print_feedback(batches: list[dict[str, Any]]) -> None:
    from flows.commands.status import table

    table("Feedback that it learned from", ("batch", "now", "rows now", "since then"), map(_batch, batches))


def _print_automatic(automatic: Mapping[str, Any]) -> None:
    if not automatic:
        return
    from components.feedback.automatic.agreement import told

    share = f"{automatic['share']:.1%} of what taught the reward model"
    say(f"Judged automatically: {automatic['pairs']:,} pairs, {share}")
    for name, found in automatic["annotators"].items():
        say(f"  {name}: {told(found)}")


def _batch(batch: Mapping[str, Any]) -> dict[str, Any]:
    rows = "" if batch["accepted"] is None else batch["accepted"]
    gone = f"{batch['withdrawn_since']} rows withdrawn" if batch["withdrawn_since"] else ""
    # One person's votes may leave without a row that goes.
    gone = gone or ("votes withdrawn" if batch["why"] else "")
    why = f": {'; '.join(dict.fromkeys(batch['why']))}" if batch["why"] else ""
    return {"batch": batch["batch"], "now": batch["state"], "rows now": rows, "since then": gone + why}


def _section(title: str, values: Mapping[str, Any] | None, otherwise: str) -> None:
    say(title if values else f"{title}: {otherwise}")
    width = max(map(len, values or {}), default=0) + 2
    for name, value in (values or {}).items():
        say(f"  {name:<{width}}{value}")
