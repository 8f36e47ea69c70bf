"""Do lineage, audit log, DVC's history, the registry, notifications, disk and processes agree with what happened?"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import yaml

from benchmarks.quarter.ledger import Ledger
from benchmarks.quarter.project import commits_of
from benchmarks.quarter.team import REVIEWER, Team
from components.tracking.audit import DELETE
from components.workspace import STATE

FEEDBACK = "data/feedback"
_FAILED = """
    SELECT flow.name, flow_run.name, flow_run.state_type, flow_run_state.message FROM flow_run
    JOIN flow ON flow.id = flow_run.flow_id LEFT JOIN flow_run_state ON flow_run_state.id = flow_run.state_id
    WHERE flow_run.state_type IN ('FAILED', 'CRASHED')
"""


def disagreements(team: Team, ledger: Ledger) -> dict[str, list[str]]:
    """By what was looked at, each thing that is not as it should be; all lists are empty where all agree."""
    looked_at: dict[str, Callable[[Team, Ledger], Iterator[str]]] = {
        "verify": _unsound,
        "audit log": _acts,
        "registry": _champion,
        "lineage": _lineage,
        "DVC history": _history,
        "notifications": _told,
    }
    return {name: list(look(team, ledger)) for name, look in looked_at.items()}


def _unsound(team: Team, ledger: Ledger) -> Iterator[str]:
    """Each version, by `rlhf verify`; what cannot be checked must have been withdrawn."""
    found = team.ask("verify", "--all", fine=(0, 6))
    versions = found if isinstance(found, list) else [found]
    for each in versions:
        for name, part in each["parts"].items():
            yield from (f"{each['model']} {each['version']}, {name}: {said}" for said in part["mismatches"])
            for said in part["unchecked"]:
                if not any(batch in said for batch in ledger.withdrawn):
                    yield f"{each['model']} {each['version']}, {name}: unchecked: {said}"


def _acts(team: Team, ledger: Ledger) -> Iterator[str]:
    trail = team.ask("audit", fine=(0, 6))
    yield from (fault["message"] for fault in trail["faults"])
    acts = [line for line in trail["lines"] if line["action"] != DELETE]
    logged = [(line["action"], line["candidate_version"]) for line in acts]
    if logged != ledger.acts:
        yield f"logged {logged}, done {ledger.acts}"
    if any(line["approver"] != REVIEWER for line in acts):
        yield "somebody else approved"


def _champion(team: Team, ledger: Ledger) -> Iterator[str]:
    champion, expected = team.champion(), ledger.acts[-1][1] if ledger.acts else None
    if (champion or {}).get("candidate") != expected:
        yield f"champion is {champion}, last put there was candidate {expected}"


def _lineage(team: Team, ledger: Ledger) -> Iterator[str]:
    """Each version that is kept names the batches that were at hand when it was made."""
    for candidate in kept_candidates(team):
        origin = team.ask("lineage", candidate, "--model", "candidate")
        names = {batch["batch"] for batch in origin["feedback"]}
        if names != ledger.learned.get(candidate):
            yield f"candidate {candidate} names {sorted(names)}, not {sorted(ledger.learned.get(candidate, ()))}"
        states = {batch["batch"]: batch["state"] for batch in origin["feedback"]}
        for batch in names & ledger.withdrawn:
            if states[batch] == "accepted":
                yield f"candidate {candidate} does not say that {batch} was withdrawn"


def _history(team: Team, ledger: Ledger) -> Iterator[str]:
    """What a candidate learned from stands in git's history of data/feedback.dvc."""
    contents = commits_of(team.root, f"{FEEDBACK}.dvc")
    recorded = {yaml.safe_load(content)["outs"][0]["md5"] for content in contents}
    for candidate in kept_candidates(team):
        md5 = team.ask("lineage", candidate, "--model", "candidate")["dvc"][FEEDBACK]
        if md5 not in recorded:
            yield f"candidate {candidate}: {FEEDBACK} {md5} was never committed"


def _told(team: Team, ledger: Ledger) -> Iterator[str]:
    """One word about each candidate, each batch that waited and each that was not taken."""
    told = team.ask("notifications", "--last", "1000")
    counts = Counter(each["kind"] for each in told["told"])
    yield from (f"never delivered: {each['subject']}" for each in told["not_delivered"])
    candidates = counts["candidate_ready"] + counts["candidate_blocked"]
    for what, known, happened in (
        ("candidates", candidates, len(ledger.learned)),
        ("batches that waited", counts["batch_held"], len(ledger.held)),
        ("batches that were rejected", counts["batch_rejected"], len(ledger.rejected)),
    ):
        if known != happened:
            yield f"{happened} {what}, {known} times told: {dict(counts)}"
    failed, known = failed_runs(team.root), counts["run_failed"] + counts["training_diverged"]
    if len(failed) != known:
        yield f"{len(failed)} runs failed, {known} times told: {dict(counts)}; {failed}"


def failed_runs(root: Path) -> list[str]:
    """By Prefect's own record: flow, run, state and reason of each that failed or crashed."""
    with sqlite3.connect(root / STATE / "prefect/prefect.db") as database:
        return [" ".join(map(str, run)) for run in database.execute(_FAILED)]


def kept_candidates(team: Team) -> list[str]:
    """Numbers of the candidates that the registry still holds."""
    from mlflow import MlflowClient

    found = MlflowClient(tracking_uri=team.mlflow).search_model_versions("name='reviews-candidate'")
    return sorted((str(each.version) for each in found), key=int)


def left_behind(root: Path) -> list[str]:
    """Command lines of processes that work in the project's folder."""
    found = []
    for each in psutil.process_iter():
        try:
            if each.cwd().startswith(str(root)) and each.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(each.cmdline()))
        except psutil.Error:
            continue
    return found


def bytes_in(folder: Path) -> int:
    """Bytes of all files below a folder; one with several names counts once."""
    sizes: dict[tuple[int, int], int] = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            about: Any = path.stat()
            sizes[about.st_dev, about.st_ino] = about.st_size
    return sum(sizes.values())
