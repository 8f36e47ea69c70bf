"""The board as a page: one self-contained file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.pages.page import render_page
from components.pages.table import NOT_MEASURED, Table
from components.tracking.champion_figures import finite
from flows.board.plots import version_plots

HERE = Path(__file__).parent
#: Batches and versions in the tables, the newest.
_MOST = 20


def board_page(seen: dict[str, Any] | None, fault: tuple[str, str] | None, mark: str | None = None) -> str:
    """The page of what was seen.

    Args:
        seen: by `look_at_loop`; None where nothing could be seen.
        fault: why the last look failed, and the remedy.
        mark: of what is shown; with it the page asks its server for another one, and loads itself again then.
    """
    return render_page(
        HERE / "board.html.j2",
        style=(HERE / "board.css").read_text(encoding="utf-8"),
        script=(HERE / "board.js").read_text(encoding="utf-8") if mark else "",
        asks=mark is not None,
        seen=seen,
        fault=fault,
        mark=mark or "",
        boxes=_boxes(seen) if seen else [],
        plots=version_plots(seen["versions"]) if seen else [],
        tables=[table for table in _tables(seen) if table.rows] if seen else [],
    )


def _boxes(seen: dict[str, Any]) -> list[dict[str, Any]]:
    """The steps of the loop in their order: name, state, a line or two."""
    return [
        _people(seen["judging"]),
        _feedback(seen["batches"]),
        _retraining(seen["stages"]),
        _version("Candidate", seen["candidate"]),
        _version("Champion", seen["champion"]),
    ]


def _box(name: str, state: str, *lines: str) -> dict[str, Any]:
    return {"name": name, "state": state, "lines": [line for line in lines if line]}


def _people(judging: dict[str, Any] | None) -> dict[str, Any]:
    if judging is None:
        return _box("People judge", "", "nobody was asked with `rlhf collect`")
    pairs = f"{judging['complete_pairs']} of {judging['pairs']} pairs have {judging['votes']} judgements"
    waits = f"{judging['to_export']} judgements wait to be exported" if judging["to_export"] else ""
    return _box("People judge", "waits" if waits else "ready", pairs, waits)


def _feedback(batches: list[dict[str, Any]]) -> dict[str, Any]:
    accepted = [batch for batch in batches if batch["status"] == "accepted"]
    held = sum(batch["status"] == "held" for batch in batches)
    if not batches:
        return _box("Feedback", "waits", "none yet")
    rows = sum(batch["accepted"] - batch["withdrawn"] for batch in accepted)
    told = f"{len(accepted)} batches, {rows:,} rows"
    return _box("Feedback", "waits" if held else "ready", told, f"{held} batches wait" if held else "")


def _retraining(stages: list[dict[str, str]]) -> dict[str, Any]:
    running = [stage["stage"] for stage in stages if stage["state"] == "running"]
    due = [stage["stage"] for stage in stages if stage["state"] == "to run"]
    if running:
        return _box("Retraining", "runs", f"{', '.join(running)} at work")
    told = f"to run: {', '.join(due)}" if due else "every stage is up to date"
    return _box("Retraining", "waits" if due else "ready", told)


def _version(name: str, version: dict[str, Any] | None) -> dict[str, Any]:
    if version is None:
        return _box(name, "", "none yet")
    withdrawn = sum(version["withdrawn_since"].values())
    verdict = version["verdict"].lower() if name == "Candidate" else "ready"
    return _box(
        name,
        verdict,
        f"version {version['version']}" + (f", {version['verdict']}" if name == "Candidate" else ""),
        _origin(version),
        f"learned from {withdrawn} rows that were withdrawn since" if withdrawn else "",
    )


def _origin(version: dict[str, Any]) -> str:
    if "approver" in version:
        return f"of candidate {version['candidate']}, approved by {version['approver']}"
    return f"{len(version['reasons'])} gates failed" if version["reasons"] else ""


def _tables(seen: dict[str, Any]) -> list[Table]:
    return [_stages(seen), _batches(seen["batches"]), _versions(seen["versions"])]


def _stages(seen: dict[str, Any]) -> Table:
    runs = {run["stage"]: run for run in seen["runs"]}
    rows = tuple(
        (
            stage["stage"],
            (
                stage["state"],
                runs.get(stage["stage"], {}).get("status", NOT_MEASURED).lower(),
                runs.get(stage["stage"], {}).get("ended") or NOT_MEASURED,
            ),
        )
        for stage in seen["stages"]
    )
    return Table("Stages", ("State", "Last run", "Ended"), rows)


def _batches(batches: list[dict[str, Any]]) -> Table:
    columns = ("Status", "Read", "Accepted", "Quarantined", "Duplicates", "Withdrawn")
    newest = sorted(batches, key=lambda batch: batch["created_at"], reverse=True)
    rows = tuple(
        (batch["batch"], tuple(_cell(batch[column.lower()]) for column in columns))
        for batch in newest[:_MOST]
    )
    more = f"Batches, the newest {_MOST} of {len(batches)}" if len(batches) > _MOST else "Batches"
    return Table(more, columns, rows)


def _cell(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _versions(versions: list[dict[str, Any]]) -> Table:
    columns = ("Candidate", "Approved by", "Win rate", "By true utility", "Reward model", "KL, nats")
    rows = tuple((_name(version), _figures(version)) for version in reversed(versions[-_MOST:]))
    return Table("Versions in production, the newest first", columns, rows)


def _name(version: dict[str, Any]) -> str:
    return f"{version['version']}, champion" if version["is_champion"] else version["version"]


def _figures(version: dict[str, Any]) -> tuple[str, ...]:
    shares = ("win_rate_vs_sft", "gold_win_rate_vs_sft", "accuracy")
    return (
        version["candidate"] or NOT_MEASURED,
        version["approver"] or NOT_MEASURED,
        *(_number(version[name], "{:.1%}") for name in shares),
        _number(version["sequence_kl"], "{:.2f}"),
    )


def _number(value: Any, shape: str) -> str:
    found = finite(value)
    return NOT_MEASURED if found is None else shape.format(found)
