"""Which runs the health report sees, among the many that found nothing to do."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from prefect import flow, get_client
from prefect.states import Completed, Crashed, Failed
from stages.small_project import write_params

from flows.health import report as health
from flows.project import registry_tag


@pytest.fixture
def root(tmp_path, prefect_server):
    write_params(tmp_path, {"registry": {"name": f"seen-{time.time_ns()}"}})
    return tmp_path


def end_runs(root, name, *states):
    with get_client(sync_client=True) as client:
        for state in states:
            client.create_flow_run(
                flow(lambda: None, name=name),
                name=f"{name}-{state.name}",
                state=state,
                tags=[registry_tag(root)],
            )


def seen(root):
    found = health._runs(root, datetime.now(UTC) - timedelta(days=7))
    last = found["last_retraining"]
    return last and (last["flow"], last["state"]), [
        (run["flow"], run["state"]) for run in found["failed_runs"]
    ]


def test_a_failed_retraining_is_seen_behind_hundreds_of_runs_that_found_nothing(root):
    assert seen(root) == (None, [])
    end_runs(root, "retrain", Failed(name="Diverged"))
    end_runs(root, "retrain", *[Completed(name="NotDue")] * 3)
    # More than the server gives at a time: eight hours of them.
    end_runs(root, "reconcile", *[Completed(name="Nothing")] * 201)
    assert seen(root) == (("retrain", "Diverged"), [("retrain", "Diverged")])


def test_every_failed_run_is_seen_and_none_of_another_project(root, monkeypatch):
    monkeypatch.setattr(health, "_PAGE", 2)
    end_runs(root, "ingest-inbox", *[Failed()] * 4, Crashed())
    end_runs(root, "retrain", Completed(name="Ready"))
    last, failed = seen(root)
    assert (last, len(failed)) == (("retrain", "Ready"), 5)
    write_params(root, {"registry": {"name": "another"}})
    assert seen(root) == (None, [])
