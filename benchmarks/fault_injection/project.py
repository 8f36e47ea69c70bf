"""The tiny pipeline in a folder: its graph, its parameters, its feedback, and what undisturbed runs of it write."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.fault_injection.small_project import ROOT, ingest_simulated, write_params
from benchmarks.fault_injection.warm import STAGES
from components.files import digest_tree, sha256_file

#: More steps than the smallest, so that there is a middle to be killed in; a checkpoint after each.
CHANGES: tuple[dict[str, Any], ...] = (
    {"checkpoints": {"seconds": 0}},
    {"sft": {"batch_size": 16}, "reward_model": {"batch_size": 16}, "dpo": {"batch_size": 16}},
    {"judge": {"batch_size": 16, "ensemble": 2}, "ppo": {"iterations": 6, "snapshots": 3, "kl_target": 1.0}},
    {"select": {"prompts": 10}},
    {"evaluate": {"prompts": 10, "bootstrap_samples": 100, "best_of": 2, "best_of_prompts": 4}},
)
#: Prompts of the held-out kinds are few: the whole must still have some of each.
FEEDBACK = {"pairs": 160, "demonstrations": 80, "prompts": 80, "ratings": 30}
SEED = 3
_COPIED = (".gitignore", ".dvcignore", ".dvc/config")


@dataclass(frozen=True)
class Graph:
    """dvc.yaml: what each stage reads and writes, its code left out."""

    stages: dict[str, dict[str, Any]]

    def deps(self, stage: str) -> list[str]:
        return [dep for dep in self.stages[stage]["deps"] if not dep.startswith("components/")]

    def outs(self, stage: str) -> list[str]:
        """Outputs, metrics and plots."""
        entry = self.stages[stage]
        listed = [each for key in ("outs", "metrics", "plots") for each in entry.get(key, [])]
        return [each if isinstance(each, str) else next(iter(each)) for each in listed]


def load_graph() -> Graph:
    return Graph(yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"])


def make_project(folder: Path, warm: Path) -> Path:
    """A git repository with the small project, as a clone of it would be, and feedback ingested."""
    folder.mkdir(parents=True)
    for name in _COPIED:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / ".dvc/.gitignore").write_text("/config.local\n/tmp\n/cache\n")
    (folder / "data/champion").mkdir(parents=True)
    (folder / "data/champion/.gitkeep").touch()
    write_params(folder, *CHANGES)
    write_graph(folder, warm)
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "clone"]):
        subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@t", *words], cwd=folder, check=True)
    counts = dict(FEEDBACK)
    ingest_simulated(folder, SEED, counts.pop("pairs"), counts.pop("demonstrations"), **counts)
    return folder


def write_graph(folder: Path, warm: Path) -> None:
    """dvc.yaml as shipped, but for the code (it does not change here) and for stages that start warm."""
    graph = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    client = Path(__file__).with_name("warm_client.py")
    for name, stage in graph["stages"].items():
        stage["deps"] = [dep for dep in stage["deps"] if not dep.startswith("components/")]
        stage["cmd"] = f"{sys.executable} -I -S {client} {warm} {name}"
    (folder / "dvc.yaml").write_text(yaml.safe_dump(graph, sort_keys=False))


def digests(folder: Path, paths: list[str]) -> dict[str, str]:
    """SHA-256 of every file at these paths."""
    found = {}
    for path in paths:
        place = folder / path
        if place.is_file():
            found[path] = sha256_file(place)
        elif place.is_dir():
            found |= {f"{path}/{name}": digest for name, digest in digest_tree(place).items()}
    return found


def all_digests(folder: Path) -> dict[str, str]:
    """Of everything that the stages write."""
    graph = load_graph()
    return digests(folder, [out for stage in STAGES for out in graph.outs(stage)])


def leftovers(folder: Path) -> list[str]:
    """What killed writers left that nobody swept."""
    hidden = [path for path in folder.rglob(".*.tmp") if ".dvc" not in path.parts]
    staged = list((folder / ".rlhf/tmp").glob("*")) + list((folder / "data").glob("staging"))
    return sorted(str(path.relative_to(folder)) for path in (*hidden, *staged))
