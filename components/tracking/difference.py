"""What differs between two registered versions: feedback, parameters, figures, answers. For `rlhf diff`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from components.files import read_json
from components.tracking.difference_answers import compare_answers
from components.tracking.registration import EVALUATION, LINEAGE
from components.tracking.run_metrics import figures
from components.tracking.tracker import Tracker
from components.tracking.versions import checked_files

_SAMPLES = f"{EVALUATION}/samples.jsonl"


def difference(tracker: Tracker, one: Any, other: Any, shown: int) -> dict[str, Any]:
    """From `one` to `other`, as JSON-ready values. What was not recorded of either is null.

    Args:
        one, other: MLflow's versions.
        shown: at most so many pairs of answers.

    Raises:
        ModelError: a file of a version is not the one that was registered.
    """
    before, after = (checked_files(tracker, version) for version in (one, other))
    lineages = [read_json(folder / LINEAGE) for folder in (before, after)]
    judges = [lineage["dvc"].get("models/judge") for lineage in lineages]
    return {
        "versions": [_about(version) for version in (one, other)],
        "feedback": _feedback(*lineages),
        "params": _params(*(lineage.get("params") for lineage in lineages)),
        "figures": _figures(_metrics(before), _metrics(after)),
        "same_judge": judges[0] is not None and judges[0] == judges[1],
        "answers": compare_answers(before / _SAMPLES, after / _SAMPLES, shown),
    }


def _about(version: Any) -> dict[str, Any]:
    tags = version.tags
    return {
        "model": version.name,
        "version": str(version.version),
        "candidate": tags.get("candidate_version", str(version.version)),
        "verdict": tags.get("verdict", ""),
        "sha256": tags["sha256"],
    }


def _feedback(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Batches only one learned from, and those of which it read other rows."""
    before, after = set(one["feedback_batches"]), set(other["feedback_batches"])
    both = before & after
    rows = [_rows(lineage, both) for lineage in (one, other)]
    changed = {batch for batch in both if rows[0][batch] != rows[1][batch]} if all(rows) else set()
    return {
        "added": sorted(after - before),
        "removed": sorted(before - after),
        "changed": sorted(changed),
        "same": len(both - changed),
    }


def _rows(lineage: Mapping[str, Any], batches: Iterable[str]) -> dict[str, dict[str, str]]:
    """DVC's digests of the rows of each batch; nothing where they were not recorded."""
    files = lineage.get("feedback_files") or {}
    if not files:
        return {}
    return {
        batch: {path: md5 for path, md5 in files.items() if path.startswith(f"{batch}/")} for batch in batches
    }


def _params(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> dict[str, list[Any]] | None:
    if one is None or other is None:
        return None
    names = sorted(one.keys() | other.keys())
    pairs = {name: [one.get(name), other.get(name)] for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _metrics(files: Path) -> dict[str, Any] | None:
    path = files / EVALUATION / "metrics.json"
    content = read_json(path) if path.exists() else None
    return content if isinstance(content, dict) else None


def _figures(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> list[dict[str, Any]] | None:
    """Each figure that either has, in the order of the second's report, with both intervals."""
    if one is None or other is None:
        return None
    values = [dict(figures(tree)) for tree in (one, other)]
    return [
        {
            "figure": name,
            "values": [each.get(name) for each in values],
            "intervals": [interval(tree, name) for tree in (one, other)],
        }
        for name in dict.fromkeys([*values[1], *values[0]])
    ]


def interval(tree: Mapping[str, Any], name: str) -> list[float] | None:
    """What `<name>_ci` holds: lower and upper end."""
    *sections, figure = name.split(".")
    for section in sections:
        tree = tree.get(section) or {}
    ends = tree.get(f"{figure}_ci")
    return ends if isinstance(ends, list) and len(ends) == 2 and None not in ends else None
