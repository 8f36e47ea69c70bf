"""A run whose figures are not all numbers still writes what it has made."""

import json
import math

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
