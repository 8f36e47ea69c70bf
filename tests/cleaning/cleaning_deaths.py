"""Kills a cleaning at its steps, and has it done again; see tracking/promotion_deaths.py for how.

`cleaning_deaths.py ROOT SAVED` prints the steps of an undisturbed cleaning, then for each death its step, and what
there is after it and after cleaning again.
"""

import json
import os
import signal
import sys
from pathlib import Path

from cleaning.cleaned_case import do, state
from cleaning.conftest import put_back
from tracking.promotion_deaths import Steps, forked

from components.cleaning import cleaning
from components.tracking.tracker import connect


def cut_off(root, deadly):
    steps = Steps(root, deadly)

    def watched(folder):
        tracker = connect(folder)
        steps.watch(tracker.client)
        return tracker

    cleaning.connect = watched
    sys.addaudithook(steps.on_event)
    do(root)
    return steps.seen


#: Of a production version, of its files, of what it rested on.
SORTS = (
    "before delete_model_version",
    "after delete_model_version",
    "open .rlhf/audit.jsonl",
    "before set_registered_model_tag",
    "os.remove .rlhf/champion.unfinished.json",
    "os.remove .rlhf/mlartifacts",
    "os.remove .dvc/cache/runs",
    "os.remove .dvc/cache/files",
)


def worth_dying_at(steps):
    """The first step of each sort: of a hundred files that go, one is like the other."""
    sorts = {}
    for number, step in enumerate(steps, start=1):
        sorts.setdefault(_sort(step), number)
    return [number for sort, number in sorts.items() if sort in SORTS]


def _sort(step):
    for folder in (".rlhf/mlartifacts", ".dvc/cache/runs", ".dvc/cache/files"):
        if f" {folder}/" in step:
            return f"{step.partition(' ')[0]} {folder}"
    return step


def after_death(root):
    found = state(root)
    do(root)
    return {"found": found, "after": state(root)}


def main(root, saved):
    put_back(saved, root)
    steps = forked(lambda: cut_off(root, 0))
    print(json.dumps([steps, forked(lambda: state(root))]), flush=True)
    for deadly in worth_dying_at(steps):
        put_back(saved, root)
        assert forked(lambda deadly=deadly: cut_off(root, deadly)) == -signal.SIGKILL
        print(json.dumps(forked(lambda: after_death(root))), flush=True)


if __name__ == "__main__":
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    main(*map(Path, sys.argv[1:]))
