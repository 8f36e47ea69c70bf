"""Runs whose process is gone, told from those that live, begin or end."""

import json
import os
import time
from datetime import timedelta

import pytest
from prefect import flow, get_client, runtime, tags
from prefect.states import Crashed, Pending, Running
from stages.small_project import write_params

from components.errors import PromotionRefusedError
from flows import dead_runs
from flows.dead_runs import ENDING_S, FOLDER, GRACE_S, alive, close_dead_runs, while_alive, workspace_tag
from flows.news.log_file import FILE, read_entries


@pytest.fixture
def root(tmp_path, prefect_server):
    write_params(tmp_path)
    return tmp_path


@flow(name="quick")
def quick(root):
    with alive(root):
        return str(runtime.flow_run.id), close_dead_runs(root)


def grow_old(path, seconds=ENDING_S):
    then = time.time() - seconds - 1
    os.utime(path, (then, then))


def begin(**options):
    """A run that Prefect calls running, of no process; its id."""
    with get_client(sync_client=True) as client:
        return str(client.create_flow_run(quick, name="gone", state=Running(), **options).id)


def state_of(run):
    with get_client(sync_client=True) as client:
        return client.read_flow_run(run).state.name


def told(root):
    return [entry["body"] for entry in read_entries(root / FILE)]


def test_a_run_that_lives_and_one_that_is_just_ending_are_let_be(root):
    with tags(workspace_tag(root)):
        run, closed = quick(root)
    record = root / FOLDER / f"{run}.json"
    assert closed == []
    assert json.loads(record.read_text())["ended"] is True
    assert close_dead_runs(root) == []
    grow_old(record, GRACE_S)
    assert close_dead_runs(root) == []
    assert record.exists()
    grow_old(record)
    assert close_dead_runs(root) == []
    assert not record.exists()
    assert (state_of(run), told(root)) == ("Completed", [])


@flow(name="refused")
@while_alive
def refused(root):
    raise PromotionRefusedError("it may not")


def test_a_run_that_failed_was_not_killed(root):
    with tags(workspace_tag(root)), pytest.raises(PromotionRefusedError):
        refused(root)
    (record,) = (root / FOLDER).glob("*.json")
    assert close_dead_runs(root) == []
    grow_old(record)
    assert close_dead_runs(root) == []
    assert (state_of(record.stem), told(root), record.exists()) == ("Failed", [], False)


def test_a_record_that_this_user_may_not_open_stops_nobody(root):
    run = begin()
    folder = root / FOLDER
    folder.mkdir(parents=True)
    # Opening it fails, also for root.
    (folder / "00000000-0000-4000-8000-000000000000.json").mkdir()
    (folder / f"{run}.json").write_text('{"flow": "quick", "name": "gone"}')
    assert [dead.run for dead in close_dead_runs(root)] == [run]


def test_a_run_that_never_began_is_dead_after_an_hour(root, monkeypatch):
    with get_client(sync_client=True) as client:
        made = client.create_flow_run(quick, name="lost", state=Pending(), tags=[workspace_tag(root)])
    assert close_dead_runs(root) == []
    monkeypatch.setattr("flows.dead_runs.BEGINNING", timedelta(seconds=-5))
    assert [dead.run for dead in close_dead_runs(root)] == [str(made.id)]
    assert (state_of(made.id), len(told(root))) == ("Crashed", 1)


def test_a_run_whose_process_let_go_of_its_record_is_dead(root):
    run = begin()
    record = root / FOLDER / f"{run}.json"
    record.parent.mkdir(parents=True)
    record.write_text('{"flow": "quick", "name": "gone"}')
    (dead,) = close_dead_runs(root)
    assert (dead.run, dead.flow, dead.name) == (run, "quick", "gone")
    assert state_of(run) == "Crashed"
    assert [body.splitlines()[0] for body in told(root)] == [
        "Run gone of quick ended without telling: it was killed, or its machine went down."
    ]
    assert close_dead_runs(root) == []
    assert len(told(root)) == 1


def test_a_run_that_waits_to_tell_its_end_is_let_be_as_long_as_prefect_s_client_tries(root):
    """Prefect's server was away when it ended, and does not know yet."""
    run = begin()
    record = root / FOLDER / f"{run}.json"
    record.parent.mkdir(parents=True)
    record.write_text('{"flow": "quick", "name": "gone", "ended": true}')
    grow_old(record, 240)
    assert close_dead_runs(root) == []
    assert (state_of(run), told(root)) == ("Running", [])
    grow_old(record)
    assert [dead.run for dead in close_dead_runs(root)] == [run]


def test_a_run_that_was_killed_before_it_had_a_record(root, monkeypatch):
    run = begin(tags=[workspace_tag(root)])
    elsewhere = begin(tags=[workspace_tag(root.parent)])
    assert close_dead_runs(root) == []
    monkeypatch.setattr("flows.dead_runs.GRACE_S", -5.0)
    assert [dead.run for dead in close_dead_runs(root)] == [run]
    assert (state_of(run), state_of(elsewhere)) == ("Crashed", "Running")


def test_who_dies_between_two_of_them_leaves_the_rest_to_the_next(root, monkeypatch):
    folder = root / FOLDER
    folder.mkdir(parents=True)
    closed = [begin(), begin()]
    for run in closed:
        (folder / f"{run}.json").write_text('{"flow": "quick", "name": "gone", "ended": true}')
        grow_old(folder / f"{run}.json")
    tell = dead_runs._tell

    def killed(*news):
        tell(*news)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(dead_runs, "_tell", killed)
        with pytest.raises(KeyboardInterrupt):
            close_dead_runs(root)
    assert len(told(root)) == 1
    assert sorted(dead.run for dead in close_dead_runs(root)) == sorted(closed)
    assert ([state_of(run) for run in closed], len(told(root))) == (["Crashed"] * 2, 2)
    assert list(folder.glob("*.json")) == []


def interrupt(*_):
    """As a process that is ended here."""
    raise KeyboardInterrupt


def test_before_somebody_is_told_nothing_is_closed(root, monkeypatch):
    run = begin()
    (root / FOLDER).mkdir(parents=True)
    record = root / FOLDER / f"{run}.json"
    record.write_text('{"flow": "quick", "name": "gone", "ended": true}')
    grow_old(record)
    with monkeypatch.context() as patched:
        patched.setattr(dead_runs, "_tell", interrupt)
        with pytest.raises(KeyboardInterrupt):
            close_dead_runs(root)
    assert (state_of(run), record.exists()) == ("Running", True)


def test_an_empty_record_is_the_death_of_a_run_that_goes_on_and_of_no_other(root):
    """Who looks at a record just when another takes it away makes it anew."""
    with tags(workspace_tag(root)):
        ended, _ = quick(root)
    killed = begin()
    for run in (ended, killed):
        record = root / FOLDER / f"{run}.json"
        record.write_text("")
        grow_old(record, GRACE_S)
    assert [dead.run for dead in close_dead_runs(root)] == [killed]
    assert (state_of(ended), state_of(killed)) == ("Completed", "Crashed")
    assert [body.splitlines()[0] for body in told(root)] == [
        f"Run {killed} of a flow ended without telling: it was killed, or its machine went down."
    ]
    assert list((root / FOLDER).glob("*.json")) == []


def test_a_run_that_the_server_closed_before_it_had_a_record_is_told_once(root):
    with get_client(sync_client=True) as client:
        state = Crashed(message="its process gave no sign of life for 600 s")
        made = client.create_flow_run(quick, name="never began", state=state, tags=[workspace_tag(root)])
    assert [dead.name for dead in close_dead_runs(root)] == ["never began"]
    assert close_dead_runs(root) == []
    assert ([body.splitlines()[0] for body in told(root)], state_of(made.id)) == (
        ["Run never began of quick ended without telling: it was killed, or its machine went down."],
        "Crashed",
    )


def test_a_record_of_another_server_and_a_torn_one(root):
    folder = root / FOLDER
    folder.mkdir(parents=True)
    (folder / "00000000-0000-4000-8000-000000000000.json").write_text('{"flow": "retrain", "name": "old"}')
    (folder / "torn.json").write_text('{"fl')
    (folder / "young.json").write_text("")
    assert sorted(dead.run[:4] for dead in close_dead_runs(root)) == ["0000", "torn"]
    assert [path.name for path in folder.glob("*.json")] == ["young.json"]
