"""A run whose figures are not all numbers still writes what it has made."""

import json
import math

from components.progress import parse_progress
from components.stages.step_log import StepLog


def test_figures_that_are_none_become_null(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    log = StepLog("sft", 2, shown=())
    log({"loss": math.inf}, 1)
    log({"loss": math.nan}, 2)
    log.write({"train_loss": log.mean_of_last("loss", share=1.0), "rows": 3, "perplexity": math.inf})
    written = json.loads((tmp_path / "reports/sft.json").read_text())
    assert written == {"train_loss": None, "rows": 3, "perplexity": None}


def test_a_mean_leaves_out_what_is_no_number():
    log = StepLog("sft", 4, shown=())
    for step, loss in enumerate([9.0, math.inf, 1.0, 3.0], start=1):
        log({"loss": loss}, step)
    assert log.mean_of_last("loss", share=0.75) == 2.0


def test_tokens_a_second_are_printed_and_not_kept(monkeypatch, capsys):
    """Lines at every second step: 20 tokens in the 2 seconds since the first step's end, then 20 in 10."""
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    log = StepLog("ppo", 50, shown=("score",))
    for step, (at, tokens) in enumerate([(100, 10.0), (102, 20.0), (107, 5.0), (112, 15.0)], start=1):
        now[0] = at
        log({"score": 0.5, "tokens": tokens}, step)
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["[ppo] 2/50 score=0.5 tokens/s=10", "[ppo] 4/50 score=0.5 tokens/s=2"]
    assert parse_progress(lines[0]).metrics == {"score": 0.5, "tokens/s": 10.0}
    assert all(set(row) == {"step", "score", "tokens"} for row in log.rows)


def test_what_a_watcher_says_is_said_at_once(capsys):
    """Also after steps that have no line of their own, and by no process that only helps."""
    log = StepLog(
        "ppo", 50, shown=("score",), watch=lambda rows: [f"alarm: {len(rows)}"] if len(rows) == 3 else []
    )
    for step in range(1, 5):
        log({"score": 0.5}, step)
    assert capsys.readouterr().out.splitlines() == [
        "[ppo] 2/50 score=0.5",
        "alarm: 3",
        "[ppo] 4/50 score=0.5",
    ]
    log.mute()
    log.rows = log.rows[:2]
    log({"score": 0.5}, 3)
    assert capsys.readouterr().out == ""


def test_steps_without_tokens_have_no_pace(capsys):
    log = StepLog("dpo", 1, shown=("loss",))
    log({"loss": 0.25}, 1)
    assert capsys.readouterr().out == "[dpo] 1/1 loss=0.25\n"


def test_slow_steps_are_told_of_all_the_same(monkeypatch, capsys):
    """Of 1,000 steps every 40th has a line; where one takes 15 s, every second."""
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    log = StepLog("ppo", 1000, shown=("score",))
    for step in range(1, 6):
        now[0] += 15.0
        log({"score": 0.5}, step)
    assert [parse_progress(line).step for line in capsys.readouterr().out.splitlines()] == [2, 4]
