"""What must hold of a workspace after a cleaning, however often that was cut off."""

from components.cleaning.cleaning import clean
from components.config.retention import RetentionParams
from components.tracking.audit import read_log
from components.tracking.audit_trail import inspect
from components.tracking.loading import load_version
from components.tracking.tracker import connect
from components.tracking.verification import Verifier
from components.tracking.versions import all_versions, champion_of

#: The champion and the one before it, one candidate and whatever waits; nothing is young.
STRICT = RetentionParams(candidates=1, production=2, grace_days=0, runs_days=180, logs_days=30)


def do(root, params=STRICT):
    return clean(root, params, lambda item: None)


def numbers(tracker, kind):
    return [str(each.version) for each in all_versions(tracker, tracker.model(kind))]


def state(root):
    """As JSON-ready values: versions, what is wrong with any of them, the log, and files that no version names."""
    tracker = connect(root)
    load_version(tracker, "champion")
    verifier = Verifier(tracker)
    kinds = ("champion", "candidate", "sft", "reward")
    found = {kind: numbers(tracker, kind) for kind in kinds}
    every = [each for kind in kinds for each in all_versions(tracker, tracker.model(kind))]
    parts = [part for each in every for part in verifier.verify(each).parts.values()]
    return {
        "versions": found,
        "champion": champion_of(tracker),
        "mismatches": [said for part in parts for said in part.mismatches],
        "unchecked": sorted({said for part in parts for said in part.unchecked}),
        "faults": [fault.message for fault in inspect(tracker).faults],
        "deleted": [line.act["version"] for line in read_log(root) if line.act["action"] == "delete"],
        "places": len(list((root / ".rlhf/mlartifacts").glob("*/artifacts/*/manifest.json"))),
        "objects": sorted(path.name for path in (root / ".dvc/cache/files/md5").glob("??/*")),
    }
