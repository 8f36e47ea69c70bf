"""Kills a cleaning at its steps, and has it done again; see tracking/promotion_deaths.py for how.

`cleaning_deaths.py ROOT SAVED` prints what there is after an undisturbed cleaning, then for each death its step, and
what there is after it and after cleaning again; `... every` dies at each sort of step, which takes minutes.
"""

import json
import os
import signal
import sys
from importlib import import_module
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
    sys.addaudithook(lambda event, arguments: on_event(steps, event, arguments))
    do(root)
    return steps.seen


#: Of a production version, of its files, of what it rested on.
SORTS = (
    "after delete_model_version",
    "before set_registered_model_tag",
    "shutil.rmtree .rlhf/mlartifacts",
    "os.remove .dvc/cache/files",
)


HEAVY = (
    "components.tracking.preload",
    "mlflow.artifacts",
    "mlflow.store.artifact.artifact_repository_registry",
    "mlflow.store.model_registry.sqlalchemy_store",
    "mlflow.store.tracking.sqlalchemy_store",
    "polars",
    "requests",
)


def on_event(steps, event, arguments):
    """Within a folder that is removed as a whole files have no names that tell where they are."""
    if event == "shutil.rmtree" and str(arguments[0]).startswith(steps.root):
        steps.take(f"{event} {os.path.relpath(arguments[0], steps.root)}")
    else:
        steps.on_event(event, arguments)


def worth_dying_at(steps, every):
    """The first step of each sort: of a hundred files that go, one is like the other."""
    sorts = {}
    for number, step in enumerate(steps, start=1):
        sorts.setdefault(_sort(step), number)
    return [number for sort, number in sorts.items() if every or sort in SORTS]


def _sort(step):
    for folder in (".rlhf/mlartifacts", ".dvc/cache/runs", ".dvc/cache/files"):
        if f" {folder}/" in step:
            return f"{step.partition(' ')[0]} {folder}"
    return step


def after_death(root):
    found = state(root)
    do(root)
    return {"found": found, "after": state(root)}


def main(root, saved, every=""):
    put_back(saved, root)
    steps = forked(lambda: cut_off(root, 0))
    print(json.dumps(forked(lambda: state(root))), flush=True)
    for deadly in worth_dying_at(steps, str(every) == "every"):
        put_back(saved, root)
        assert forked(lambda deadly=deadly: cut_off(root, deadly)) == -signal.SIGKILL
        print(json.dumps(forked(lambda: after_death(root))), flush=True)


if __name__ == "__main__":
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    # Each process that dies would import them anew.
    for name in HEAVY:
        import_module(name)
    main(*map(Path, sys.argv[1:]))
