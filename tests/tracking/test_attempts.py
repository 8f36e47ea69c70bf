"""Steps in a file, and how far they are sent: whatever dies, each step is sent, and none twice."""

import json

import pytest

from components.live import AT, FOLDER, live_steps
from components.stages.step_log import StepLog
from components.tracking.attempts import Attempt, Sent, newest
from components.tracking.run_metrics import METRICS_AT_ONCE


@pytest.fixture
def watched(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path / ".rlhf/live"))
    return tmp_path


def write(numbers, goes_on=False):
    steps = live_steps("ppo")
    if goes_on:
        steps.go_on()
    for number in numbers:
        steps.write({"step": number, "score": number / 2, "kl": None})
    return steps


def numbers(attempt):
    return [step.number for steps, _ in attempt.batches() for step in steps]


def test_nobody_watches_and_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.delenv(FOLDER, raising=False)
    monkeypatch.chdir(tmp_path)
    write([1])
    assert list(tmp_path.iterdir()) == []


def test_steps_wait_until_they_are_noted_as_sent(watched):
    write([1, 2, 3])
    attempt = newest(watched, "ppo")
    ((steps, sent),) = attempt.batches()
    assert [(step.number, step.figures) for step in steps] == [
        (number, {"score": number / 2}) for number in (1, 2, 3)
    ]
    assert numbers(attempt) == [1, 2, 3]
    attempt.note(sent)
    assert numbers(Attempt(attempt.path)) == []
    assert sent == Sent(attempt.path.stat().st_size, 3)


def test_a_resumed_stage_goes_on_in_its_file_and_a_new_one_begins_another(watched):
    write([1, 2, 3])
    write([2, 3, 4], goes_on=True)
    attempt = newest(watched, "ppo")
    assert numbers(attempt) == [1, 2, 3, 4]
    write([1])
    assert newest(watched, "ppo").path != attempt.path
    assert newest(watched, "ppo").path.name.startswith("000002-")
    assert numbers(newest(watched, "ppo")) == [1]


def test_a_torn_line_swallows_no_other(watched):
    write([1, 2])
    path = newest(watched, "ppo").path
    path.write_bytes(path.read_bytes()[:-7])
    assert numbers(newest(watched, "ppo")) == [1]
    write([2, 3], goes_on=True)
    assert numbers(newest(watched, "ppo")) == [1, 2, 3]


def test_a_line_that_is_still_written_is_read_when_it_is_whole(watched):
    write([1])
    attempt = newest(watched, "ppo")
    line = json.dumps({AT: 5, "step": 2, "score": 1.0}).encode()
    with attempt.path.open("ab") as file:
        file.write(line[:10])
    ((_, sent),) = attempt.batches()
    attempt.note(sent)
    with attempt.path.open("ab") as file:
        file.write(line[10:] + b"\n")
    assert numbers(attempt) == [2]


def test_a_note_that_is_lost_or_spoiled_sends_all_again_with_the_same_times(watched):
    write([1, 2])
    attempt = newest(watched, "ppo")
    ((before, sent),) = attempt.batches()
    attempt.note(sent)
    attempt.path.with_suffix(".sent").write_text("{")
    ((again, _),) = attempt.batches()
    assert again == before


def test_batches_are_as_large_as_mlflow_takes(watched):
    steps = live_steps("ppo")
    figures = {f"figure_{number}": 0.5 for number in range(300)}
    for number in range(1, 8):
        steps.write({"step": number, **figures})
    sizes = [sum(len(step.figures) for step in batch) for batch, _ in newest(watched, "ppo").batches()]
    assert sizes == [900, 900, 300]
    assert max(sizes) <= METRICS_AT_ONCE


def test_a_full_disk_ends_the_writing_and_not_the_training(watched, capsys):
    (watched / ".rlhf").write_text("no folder can be made here")
    log = StepLog("ppo", 2, shown=("score",))
    log({"score": 0.5}, 1)
    log({"score": 0.6}, 2)
    assert [row["score"] for row in log.rows] == [0.5, 0.6]


def test_a_helping_process_writes_nothing(watched):
    log = StepLog("ppo", 2, shown=("score",))
    log.mute()
    log({"score": 0.5}, 1)
    assert newest(watched, "ppo") is None


def test_a_step_log_that_is_restored_goes_on(watched):
    log = StepLog("ppo", 4, shown=("score",))
    for step in (1, 2, 3):
        log({"score": step / 10}, step)
    again = StepLog("ppo", 4, shown=("score",))
    again.restore({"rows": log.rows[:1]})
    for step in (2, 3, 4):
        again({"score": step / 10}, step)
    ((steps, _),) = newest(watched, "ppo").batches()
    assert [(step.number, step.figures["score"]) for step in steps] == [
        (number, number / 10) for number in (1, 2, 3, 4)
    ]
