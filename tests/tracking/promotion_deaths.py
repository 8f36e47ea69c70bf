"""Kills a promotion or a rollback at each of its steps, and has it done again.

A step is what the file system or MLflow is asked to change. Each death is that of a process of its own, forked from
this one, which has done all of it in another workspace first, so that it has imported what it needs; the workspace is
put back before each. `promotion_deaths.py ROOT WARM ACT FIRST` prints a JSON line a step: what the next process finds,
and what there is after it did the same again. WARM: the other workspace; FIRST: the step to begin at, or nothing.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import traceback
from pathlib import Path

from benchmarks.fault_injection import steps
from components.tracking.audit import read_log
from components.tracking.audit_trail import UNFINISHED, inspect
from components.tracking.loading import load_version
from components.tracking.promotion import promote, rollback
from components.tracking.tracker import connect
from components.tracking.verification import Verifier
from components.tracking.versions import all_versions, champion_of, get_version

PROJECT = Path(__file__).parents[2]
MUTATIONS = ("create_", "set_", "log_", "delete_")
ACTS = {
    "promote": lambda tracker: promote(tracker, "2", "reviewer"),
    "first": lambda tracker: promote(tracker, "1", "reviewer"),
    "rollback": lambda tracker: rollback(tracker, None, "chief"),
}


def deaths(root, warm, act, first=""):
    """What was found before; then for each death its step, and what was found after it and after doing it again."""
    command = [sys.executable, __file__, root, warm, act, first]
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    before, *lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert {type(line) for line in lines[1::2]} == {dict}, done.stderr
    return before, list(zip(lines[::2], lines[1::2], strict=True))


def check(before, died, champions, line, versions):
    """@champion was one of the two and sound after each death; then what was asked for came about, told once."""
    for step, seen in died:
        found, after = seen["found"], seen["after"]
        assert found["champion"] in champions, step
        assert (found["mismatches"], found["faults"]) == ([], []), step
        assert after == {
            "champion": champions[1],
            "mismatches": [],
            "faults": [],
            "lines": [*before["lines"], line],
            "versions": versions,
            "unfinished": False,
        }, step
    assert {seen["found"]["champion"] for _, seen in died} == set(champions)
    steps = [step for step, _ in died]
    named = {"before set_registered_model_alias", "open .rlhf/audit.jsonl", "before set_registered_model_tag"}
    assert named < set(steps)
    assert steps[-1] == "os.remove .rlhf/champion.unfinished.json"


class Steps(steps.Steps):
    """Counts what MLflow is asked to change, too."""

    def watch(self, client):
        for name in dir(client):
            if name.startswith(MUTATIONS):
                setattr(client, name, self.counted(name, getattr(client, name)))

    def counted(self, name, method):
        def call(*args, **kwargs):
            self.take(f"before {name}")
            result = method(*args, **kwargs)
            self.take(f"after {name}")
            return result

        return call


def act(root, name, deadly):
    tracker, counted = connect(root), Steps(root, deadly)
    counted.watch(tracker.client)
    counted.watch_disk()
    ACTS[name](tracker)
    return counted.seen


def look(root):
    tracker = connect(root)
    champion = champion_of(tracker)
    if champion is not None:
        load_version(tracker, "champion")
    mismatches = (
        Verifier(tracker).verify(get_version(tracker, tracker.name, champion)).mismatches if champion else []
    )
    return {
        "champion": champion,
        "mismatches": mismatches,
        "faults": [fault.message for fault in inspect(tracker).faults],
        "lines": [[line.act["action"], line.act["version"]] for line in read_log(root)],
        "versions": len(all_versions(tracker, tracker.name)),
        "unfinished": (root / ".rlhf" / UNFINISHED).exists(),
    }


def after_death(root, name):
    found = look(root)
    ACTS[name](connect(root))
    return {"found": found, "after": look(root)}


def forked(run):
    """What `run` returns in a process of its own, as JSON read back; the status of one that was killed."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        try:
            os.write(writing, json.dumps(run()).encode())
        finally:
            # Whatever happened, this process is not to go on as if it were the first.
            traceback.print_exc() if sys.exc_info()[0] else None
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    _, status = os.waitpid(pid, 0)
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else (json.loads(said) if said else status)


def worth_dying_at(steps, first):
    """Numbers of the steps that leave the disk another than the one before, from the first that begins so.

    Of the files that are uploaded into a folder that nobody points at yet: the first, the weights and the last.
    """
    names = [""] * first + steps[first:]
    uploaded = [at for at, name in enumerate(names) if "/artifacts/" in name]
    skipped = {at for at in uploaded[1:-1] if "safetensors" not in names[at]}
    skipped |= {
        at
        for at, name in enumerate(names)
        if re.match(r"os.mkdir .rlhf$|os.rmdir|os.remove .*tmp$|open .*lock$|after (?!log_)|$", name)
    }
    return [at + 1 for at in range(len(names)) if at not in skipped]


def main(root, warm, name, first):
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    act(warm, "first", 0)
    look(warm)
    # MLflow sets it to where it is connected.
    os.environ.pop("MLFLOW_TRACKING_URI")
    saved = root.with_name("saved")
    shutil.copytree(root / ".rlhf", saved)
    print(json.dumps(forked(lambda: look(root))), flush=True)
    taken = forked(lambda: act(root, name, 0))
    for deadly in worth_dying_at(taken, taken.index(first) if first else 0):
        shutil.rmtree(root / ".rlhf")
        shutil.copytree(saved, root / ".rlhf")
        assert forked(lambda deadly=deadly: act(root, name, deadly)) == -signal.SIGKILL
        print(json.dumps(forked(lambda: after_death(root, name))), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4])
