"""Runs that tell of a stage while it runs; in the end each is what `record_stage` makes of the files alone."""

import pytest

from components.live import FOLDER, live_steps
from components.tracking import live
from components.tracking.attempts import newest
from components.tracking.run_metrics import KEY
from components.tracking.runs import record_stage

#: As the CSV of fake_workspace.py has them.
ROWS = [{"score": 0.1, "kl": 0.0}, {"score": 0.5, "kl": 1.5}, {"kl": 2.5}]


@pytest.fixture
def watched(root, tracker, monkeypatch):
    monkeypatch.setenv(FOLDER, str(root / ".rlhf/live"))
    return tracker


def write(first=1, last=3, goes_on=False, rows=ROWS):
    steps = live_steps("ppo")
    if goes_on:
        steps.go_on()
    for number in range(first, last + 1):
        steps.write({"step": number, **rows[number - 1]})


def send(tracker):
    attempt = newest(tracker.root, "ppo")
    run = live.open_run(tracker, attempt, "prefect-7")
    live.deliver(tracker, attempt, run)
    return run


def told(tracker, run):
    """Every figure of a run, with its step; names that come twice come twice."""
    names = tracker.client.get_run(run).data.metrics
    history = {name: tracker.client.get_metric_history(run, name) for name in names}
    return sorted((name, each.step, each.value) for name, found in history.items() for each in found)


def recorded(tracker):
    """What a run says that is made of the stage's files alone."""
    run = record_stage(tracker, "ppo")
    content = told(tracker, run)
    tracker.client.delete_run(run)
    return content


def test_steps_are_there_while_the_stage_runs_and_the_run_is_then_the_record(watched):
    expected = recorded(watched)
    write(1, 2)
    run = send(watched)
    assert watched.client.get_run(run).info.status == "RUNNING"
    assert told(watched, run) == [("kl", 1, 0.0), ("kl", 2, 1.5), ("score", 1, 0.1), ("score", 2, 0.5)]
    write(3, 3, goes_on=True)
    # More than MLflow takes at once, as after an hour without it.
    live.send_system(watched, run, [(at, at, {"cpu_utilization_percentage": 50.0}) for at in range(1200)])
    assert record_stage(watched, "ppo", "prefect-7") == run
    found = watched.client.get_run(run)
    assert (found.info.status, found.data.tags[KEY].split("-")[0]) == ("FINISHED", "ppo")
    assert found.data.params["ppo.kl_coef"] == "0.05"
    system = [each for each in told(watched, run) if each[0].startswith("system/")]
    assert system == [("system/cpu_utilization_percentage", at, 50.0) for at in range(1200)]
    assert [each for each in told(watched, run) if each not in system] == expected
    assert newest(watched.root, "ppo") is None
    assert record_stage(watched, "ppo") == run


def test_a_batch_that_was_sent_and_not_noted_is_there_once(watched):
    expected = recorded(watched)
    write()
    run = send(watched)
    newest(watched.root, "ppo").path.with_suffix(".sent").unlink()
    assert send(watched) == run
    assert record_stage(watched, "ppo") == run
    assert told(watched, run) == expected


def test_a_killed_process_leaves_a_failure_and_the_next_goes_on_in_the_same_run(watched):
    """The killed one had sent two of its steps; those it was resumed with are repeated."""
    expected = recorded(watched)
    write(1, 2)
    run = send(watched)
    write(3, 3, goes_on=True)
    live.settle(watched, "its process ended without telling")
    found = watched.client.get_run(run)
    assert (found.info.status, found.data.tags[live.REASON]) == (
        "FAILED",
        "its process ended without telling",
    )
    assert ("kl", 3, 2.5) in told(watched, run)
    write(2, 3, goes_on=True)
    assert send(watched) == run
    going_on = watched.client.get_run(run)
    assert (going_on.info.status, live.REASON in going_on.data.tags) == ("RUNNING", False)
    assert record_stage(watched, "ppo") == run
    assert told(watched, run) == expected


def test_a_failure_that_turns_out_to_be_whole_is_the_record_without_its_reason(watched):
    write()
    run = send(watched)
    live.settle(watched, "killed")
    assert record_stage(watched, "ppo") == run
    found = watched.client.get_run(run)
    assert (found.info.status, live.REASON in found.data.tags) == ("FINISHED", False)


def test_an_attempt_that_mlflow_never_heard_of_makes_no_run_beside_the_record(watched):
    write()
    run = record_stage(watched, "ppo")
    assert [each.info.run_id for each in watched.client.search_runs([watched.experiment])] == [run]


def test_what_began_anew_is_another_run_and_what_it_replaced_stays_a_failure(watched):
    expected = recorded(watched)
    write(1, 2, rows=[{"score": 9.0, "kl": 9.0}] * 2)
    first = send(watched)
    live.settle(watched, "killed")
    write()
    second = send(watched)
    assert second != first
    assert record_stage(watched, "ppo") == second
    assert told(watched, second) == expected
    assert watched.client.get_run(first).info.status == "FAILED"
    live.settle(watched, "killed")
    assert not list((watched.root / ".rlhf/live").rglob("*.jsonl"))


def test_figures_that_are_not_those_of_the_files_are_no_record(watched):
    expected = recorded(watched)
    write(1, 3, rows=[ROWS[0], {"score": 0.4, "kl": 1.5}, ROWS[2]])
    wrong = send(watched)
    run = record_stage(watched, "ppo")
    assert run != wrong
    assert told(watched, run) == expected
    found = watched.client.get_run(wrong)
    assert (found.info.status, KEY in found.data.tags) == ("FAILED", False)


@pytest.mark.parametrize("call", ["log_batch", "log_inputs", "set_tag", "set_terminated"])
def test_recording_may_die_anywhere(watched, monkeypatch, call):
    """Simulated: the call raises once, as if the process had ended there; the next process begins anew."""
    expected = recorded(watched)
    write(1, 2)
    send(watched)
    with monkeypatch.context() as patch:
        patch.setattr(type(watched.client), call, lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            record_stage(watched, "ppo")
    live.settle(watched, "killed")
    run = record_stage(watched, "ppo")
    assert told(watched, run) == expected
    assert newest(watched.root, "ppo") is None
    assert [each.info.run_id for each in watched.client.search_runs([watched.experiment])] == [run]
