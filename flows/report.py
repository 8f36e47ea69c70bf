"""The page of a retraining: what ran, what came out, what the gates measured, where to look."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.files import read_json
from components.tracking.tracker import embedded_uri, tracking_uri, without_login
from flows.artifacts import cell, table


def report(root: Path, summary: dict[str, Any]) -> str:
    """Markdown for the run's artifact."""
    parts = [
        f"# Candidate {summary['versions']['candidate']['version']}: {summary['verdict']}",
        *(f"- {cell(reason)}" for reason in summary["reasons"]),
        "## Gates",
        table(["gate", "passed", "measured", "threshold", "reason"], _gates(root)),
        "## Versions",
        table(["model", "version", "new"], [_version(root, each) for each in summary["versions"].values()]),
        "## Stages",
        table(["stage", "status", "seconds"], [list(stage.values()) for stage in summary["stages"]]),
        f"Report for the reviewer: {cell((root / 'reports/report.html').as_uri())}",
        f"MLflow: {cell(how_to_open_mlflow(root))}",
    ]
    return "\n\n".join(parts)


def how_to_open_mlflow(root: Path) -> str:
    """The server's address, or the command that shows the embedded database."""
    uri = tracking_uri(root)
    return f"mlflow ui --backend-store-uri {uri}" if uri == embedded_uri(root) else without_login(uri)


def _gates(root: Path) -> list[list[Any]]:
    path = root / "reports/gates.json"
    gates = read_json(path)["gates"] if path.exists() else []
    columns = ("name", "passed", "measured", "threshold", "reason")
    return [[gate.get(column, "") for column in columns] for gate in gates]


def _version(root: Path, version: dict[str, Any]) -> list[Any]:
    return [version["name"], version["version"], "yes" if version["created"] else "no"]
