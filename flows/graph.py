"""The order of the stages in dvc.yaml: `dvc repro --single-item` ignores stale parents, so they must come first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from components.errors import ConfigError


def stage_order(root: Path) -> list[str]:
    """Names of the stages, each after those whose outputs it reads.

    Raises:
        ConfigError: dvc.yaml is not YAML, has no stages, or they form a circle.
    """
    stages = _stages(root / "dvc.yaml")
    writers = {
        path: name for name, stage in stages.items() for path in _paths(stage, "outs", "metrics", "plots")
    }
    within = _within(writers)
    parents = {
        name: {
            writer
            for dep in _paths(stage, "deps")
            for writer in (*_above(dep, writers), *within.get(dep, ()))
        }
        for name, stage in stages.items()
    }
    try:
        return list(TopologicalSorter(parents).static_order())
    except CycleError as error:
        raise ConfigError(
            f"dvc.yaml: the stages {' > '.join(error.args[1])} form a circle", "break it"
        ) from None


def _stages(path: Path) -> dict[str, dict[str, Any]]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        stages: dict[str, dict[str, Any]] = content["stages"]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} holds no stages: {error}", "restore it from git") from None
    return stages


def _paths(stage: dict[str, Any], *keys: str) -> Iterator[PurePosixPath]:
    """Paths under these keys; an entry is a path, or a mapping of a path to options."""
    for key in keys:
        for entry in stage.get(key) or []:
            yield PurePosixPath(entry if isinstance(entry, str) else next(iter(entry)))


def _above(dep: PurePosixPath, writers: Mapping[PurePosixPath, str]) -> Iterator[str]:
    """Who writes it, or a folder that it is in."""
    return (writers[path] for path in (dep, *dep.parents) if path in writers)


def _within(writers: Mapping[PurePosixPath, str]) -> dict[PurePosixPath, list[str]]:
    """For each folder, who writes something in it: looked up, not searched for, among hundreds of paths."""
    found: defaultdict[PurePosixPath, list[str]] = defaultdict(list)
    for path, writer in writers.items():
        for folder in path.parents:
            found[folder].append(writer)
    return found
