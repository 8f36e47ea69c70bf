"""Registers what a retraining made: the SFT model, the reward model, and the policy as a candidate."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.files import digest_of, digest_tree, read_json, sha256_file, write_json, write_text
from components.tracking.description import describe_candidate
from components.tracking.flavor import write_flavor
from components.tracking.lineage import FEEDBACK, author, git_commit, learned_feedback, read_lock
from components.tracking.packages import link_tree, seal, staging, upload
from components.tracking.runs import finished_run, record_stage, stage_key
from components.tracking.serving import MODEL
from components.tracking.tracker import Tracker, mlflow_errors, without_login
from components.tracking.verdict import Verdict, read_verdict
from components.tracking.versions import CURRENT, Registered, create_version, find_version, is_sound
from components.workspace import STATE

#: Names the registry that has versions of this workspace: `rlhf clean` asks no other what is needed.
NOTE = STATE / "registry"
EVALUATION = "evaluation"
LINEAGE = "lineage.json"
#: What stage `prepare` told.
_PREPARED = "reports/prepare.json"
_FOLDERS = {"sft": "models/sft", "reward": "models/reward", "candidate": "models/policy"}
_STAGES = {"sft": "sft", "reward": "reward_model", "candidate": "evaluate"}
#: Of the evaluation: what makes the candidate, and what tells a person of it.
_MEASURED = ("gates.json", "metrics.json")
_TOLD = ("report.html", "report.md", "report.json", "model_card.md", "samples.jsonl")


def register_all(tracker: Tracker, prefect_run: str = "") -> dict[str, Registered]:
    """A version each of "sft", "reward" and "candidate", with @current on it.

    Files registered before keep their version, unless the registry's copy of them was damaged since.

    Raises:
        RegistryError: a stage has not run, or MLflow cannot be reached.
        ModelError: the files read back from the registry are not those sent.
    """
    with mlflow_errors():
        sft = _register(tracker, "sft", {}, prefect_run)
        reward = _register(tracker, "reward", {"sft": sft.version}, prefect_run)
        parents = {"sft": sft.version, "reward": reward.version}
        candidate = _register(tracker, "candidate", parents, prefect_run)
        for each in (sft, reward, candidate):
            tracker.client.set_registered_model_alias(each.name, CURRENT, each.version)
    write_text(tracker.root / NOTE, f"{without_login(tracker.uri)}\n")
    return {"sft": sft, "reward": reward, "candidate": candidate}


def _register(tracker: Tracker, kind: str, parents: Mapping[str, str], prefect_run: str) -> Registered:
    name, key = tracker.model(kind), _source_digest(tracker.root, kind)
    known = find_version(tracker, name, "source_sha256", key)
    if known is not None and is_sound(tracker, known):
        return Registered(name, str(known.version), created=False)
    run = record_stage(tracker, _STAGES[kind], prefect_run)
    lineage = _lineage(tracker, key, parents, prefect_run)
    with staging(tracker.root) as folder:
        _put_together(tracker.root, kind, folder, lineage)
        digest = seal(folder)
        source = upload(tracker, run, folder, f"{kind}-{uuid.uuid4().hex[:8]}", digest)
    tags = _tags(lineage) | {"sha256": digest}
    if kind != "candidate":
        return create_version(tracker, name, source, run, tags, f"{_FOLDERS[kind]} of this run.")
    verdict = read_verdict(tracker.root / "reports/gates.json")
    tags |= {"verdict": verdict.verdict, "reasons": "\n".join(verdict.reasons)}
    return create_version(tracker, name, source, run, tags, _description(tracker.root, verdict))


def _source_digest(root: Path, kind: str) -> str:
    """SHA-256 of what makes the version: the model's files; a candidate's figures and gates too.

    The same policy under other gates is another candidate: a version's verdict never changes. The page and the
    answers say the same in other words: they are registered with it, but make no version by themselves.
    """
    tree = digest_tree(root / _FOLDERS[kind])
    if kind == "candidate":
        tree |= {f"{EVALUATION}/{path.name}": sha256_file(path) for path in _reports(root, _MEASURED)}
    return digest_of(tree)


def _reports(root: Path, names: Iterable[str]) -> list[Path]:
    return [path for name in names if (path := root / "reports" / name).exists()]


def _lineage(tracker: Tracker, key: str, parents: Mapping[str, str], prefect_run: str) -> dict[str, Any]:
    root = tracker.root
    stages = read_lock(root)
    feedback_md5 = stages["prepare"].deps.get(FEEDBACK, "")
    learned = learned_feedback(root, feedback_md5)
    return {
        "source_sha256": key,
        "git_commit": git_commit(root),
        "dvc": {path: md5 for stage in stages.values() for path, md5 in stage.outs.items()},
        "params": {name: value for stage in stages.values() for name, value in stage.params.items()},
        "runs": {
            name: run for name, lock in stages.items() if (run := finished_run(tracker, stage_key(lock)))
        },
        "feedback": feedback_md5,
        "feedback_batches": learned.batches,
        "feedback_files": learned.files,
        "withdrawn_before": learned.withdrawn,
        "erasures_before": learned.erasures,
        "automatic_feedback": _automatic(root),
        "parents": dict(parents),
        "prefect_run": prefect_run,
        "author": author(),
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _automatic(root: Path) -> dict[str, Any]:
    """What taught the reward model that no person judged, and how far it agrees with people; {} of nothing."""
    path = root / _PREPARED
    found: dict[str, Any] = read_json(path).get("automatic", {}) if path.exists() else {}
    return found


def _put_together(root: Path, kind: str, folder: Path, lineage: Mapping[str, Any]) -> None:
    link_tree(root / _FOLDERS[kind], folder / MODEL)
    write_json(folder / LINEAGE, lineage)
    if kind != "reward":
        write_flavor(folder)
    if kind == "candidate":
        evaluation = folder / EVALUATION
        evaluation.mkdir()
        for path in _reports(root, (*_MEASURED, *_TOLD)):
            shutil.copyfile(path, evaluation / path.name)


def _tags(lineage: Mapping[str, Any]) -> dict[str, str]:
    """The lineage as tags, where people look for it; the file is what promotion believes."""
    plain = ("source_sha256", "git_commit", "prefect_run", "author")
    tags = {name: str(lineage[name]) for name in plain}
    tags |= {f"dvc.{path}": md5 for path, md5 in lineage["dvc"].items()}
    tags |= {f"parent.{kind}": version for kind, version in lineage["parents"].items()}
    tags |= {"feedback": lineage["feedback"], "feedback_batches": ",".join(lineage["feedback_batches"])}
    tags |= {"withdrawn_before": json.dumps(lineage["withdrawn_before"])}
    automatic = lineage["automatic_feedback"]
    return tags | ({"automatic_pairs": str(automatic["pairs"])} if automatic else {})


def _description(root: Path, verdict: Verdict) -> str:
    path = root / "reports/metrics.json"
    return describe_candidate(verdict, read_json(path) if path.exists() else {})
