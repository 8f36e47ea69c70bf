"""Which retrainings are owed: for batches that nobody has decided on, and in place of a killed run."""

import os
import time

import pytest
from prefect import flow, get_client, runtime
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName
from prefect.states import Cancelled, Crashed, Running
from stages.small_project import write_params
from tracking.fake_workspace import write_batch

from components.errors import BusyError, RlhfError, StoppedError
from components.locks import exclusive
from flows import restarts, scheduled
from flows.deployments import deployments
from flows.ledger import decided_on, finished, ledger, read_ledger
from flows.restarts import AGAIN_S, KILLED, SETTLED_S, start_owed


@pytest.fixture
def root(tmp_path, prefect_server):
    """A project whose deployment of `retrain` the server knows, and nobody serves."""
    write_params(tmp_path, {"registry": {"name": f"owed-{time.time_ns()}"}})
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    next(each for each in deployments(tmp_path) if each.flow_name == "retrain").apply()
    return tmp_path


def add_batch(root, name, age=SETTLED_S + 1):
    write_batch(root, name)
    then = time.time() - age
    os.utime(root / "data/feedback" / name, (then, then))


def runs(root):
    """Those that were started, not those of the schedule; the oldest first."""
    name = restarts._name(root).partition("/")[2]
    with get_client(sync_client=True) as client:
        found = client.read_flow_runs(
            deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=[name]))
        )
    return sorted((run for run in found if not run.auto_scheduled), key=lambda run: run.created)


def end_all(root, state=Cancelled):
    with get_client(sync_client=True) as client:
        for run in runs(root):
            client.set_flow_run_state(run.id, state(), force=True)


def begin(root, state, **parameters):
    """A run of the deployment in this state; its id."""
    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name(restarts._name(root))
        made = client.create_flow_run_from_deployment(deployment.id, parameters=parameters)
        client.set_flow_run_state(made.id, Running(), force=True)
        client.set_flow_run_state(made.id, state, force=True)
    return made


def be_at_work(root, run):
    with ledger(root) as known:
        known.at_work = str(run.id)


def test_a_batch_that_nobody_decided_on_is_looked_at_once_an_hour_until_one_has(root):
    assert start_owed(root) == ""
    add_batch(root, "week-1", age=0)
    # Its own event starts a run.
    assert start_owed(root) == ""
    add_batch(root, "week-1")
    assert start_owed(root) == "a retraining was started for week-1"
    (run,) = runs(root)
    assert run.parameters == {"only_if_due": True}
    end_all(root)
    assert start_owed(root) == ""
    with ledger(root) as known:
        known.asked_at -= AGAIN_S
    assert start_owed(root) == "a retraining was started for week-1"
    end_all(root)
    add_batch(root, "week-2")
    assert start_owed(root) == "a retraining was started for week-1, week-2"
    end_all(root)
    decided_on(root, {"week-1", "week-2"})
    with ledger(root) as known:
        known.asked_at -= AGAIN_S
    assert start_owed(root) == ""
    assert len(runs(root)) == 3


def test_nothing_is_started_beside_a_retraining_nor_where_feedback_starts_none(root):
    add_batch(root, "week-1")
    with exclusive(root / ".rlhf/retrain.lock"):
        assert start_owed(root) == ""
    begin(root, Running())
    assert start_owed(root) == ""
    end_all(root)
    write_params(
        root,
        {
            "registry": {"name": restarts._name(root).partition("/")[2]},
            "schedule": {"retrain_on_feedback": False},
        },
    )
    assert start_owed(root) == ""


@pytest.mark.parametrize(
    ("state", "is_started"),
    [
        (Crashed(message="its process gave no sign of life for 70 s"), True),
        (Cancelled(message="Runner is shutting down."), True),
        (Cancelled(message="Flow run was cancelled successfully."), False),
    ],
)
@pytest.mark.parametrize("only_if_due", [True, False])
def test_what_was_killed_at_work_is_finished_due_or_not_and_what_was_cancelled_is_not(
    root, state, is_started, only_if_due
):
    run = begin(root, state, only_if_due=only_if_due)
    be_at_work(root, run)
    told = start_owed(root)
    assert told == (
        f"a retraining was started in place of {run.name}, which was killed" if is_started else ""
    )
    assert [each.parameters for each in runs(root)[1:]] == [{"only_if_due": False}] * is_started


def test_what_takes_the_place_of_a_killed_run_may_be_killed_before_it_works(root):
    be_at_work(root, begin(root, Crashed()))
    assert start_owed(root)
    assert read_ledger(root).at_work == str(runs(root)[-1].id)
    end_all(root, Crashed)
    assert start_owed(root) == "", "not before its hour"
    with ledger(root) as known:
        known.asked_at -= AGAIN_S
    assert start_owed(root)
    assert runs(root)[-1].parameters == {"only_if_due": False}


def test_nothing_takes_the_place_of_a_killed_run_once_a_person_has_finished_it(root):
    finished(root, "")
    assert not (root / ".rlhf/retraining.json").exists()
    killed, later = (begin(root, Crashed()) for _ in range(2))
    be_at_work(root, killed)
    finished(root, str(killed.id))
    assert start_owed(root) == ""
    # One that began after it had let go of the workspace.
    be_at_work(root, later)
    finished(root, str(killed.id))
    assert read_ledger(root).at_work == str(later.id)


def test_who_finds_another_one_at_work_leaves_it_known(root, monkeypatch):
    first = begin(root, Running())
    add_batch(root, "week-1")

    def end(_):
        # The first is at work all the while, and then killed.
        assert read_ledger(root).at_work not in ("", str(first.id))
        raise BusyError("another one")

    be_at_work(root, first)
    with pytest.raises(BusyError):
        retrain(root, monkeypatch, end)
    assert read_ledger(root).at_work == str(first.id)


def test_what_is_killed_again_and_again_waits_its_hour(root):
    for begun in (True, False):
        be_at_work(root, begin(root, Crashed()))
        assert bool(start_owed(root)) is begun
        end_all(root)


@flow(name="retrain")
def retrain(root, monkeypatch, ending, only_if_due=False):
    monkeypatch.setattr(scheduled, "bring_up_to_date", ending)
    return str(runtime.flow_run.id), scheduled._retrain(root, only_if_due)


@pytest.mark.parametrize(
    ("raised", "decided", "is_at_work"),
    [
        (None, ["week-1"], False),
        (RlhfError("MLflow is away"), ["week-1"], False),
        (BusyError("another one"), [], False),
        (StoppedError("a stage was told to end"), [], True),
        (KeyboardInterrupt(), [], True),
    ],
)
def test_a_run_that_ends_has_decided_and_one_that_is_killed_has_not(
    root, monkeypatch, raised, decided, is_at_work
):
    add_batch(root, "week-1")

    def end(where):
        # It came while the run was at work.
        add_batch(root, "week-2")
        with ledger(where) as known:
            assert known.at_work
        if raised:
            raise raised

    if raised:
        with pytest.raises(type(raised)):
            retrain(root, monkeypatch, end)
    else:
        retrain(root, monkeypatch, end)
    with ledger(root) as known:
        assert (known.decided, bool(known.at_work)) == (decided, is_at_work)
    assert restarts.start_owed(root) != ""


def test_reconcile_starts_what_is_owed(root):
    add_batch(root, "week-1")
    state = flow(scheduled._reconcile)(root, return_state=True)
    assert (state.name, state.message) == ("Reconciled", "a retraining was started for week-1")
    assert KILLED not in runs(root)[0].parameters
