"""When feedback is worth a retraining: by hand computed cases, and drift measured with a real reward model."""

import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml
from tracking.fake_workspace import PROJECT, write_workspace

from components.config.schedule import ScheduleParams
from components.errors import BusyError
from components.evaluation.accuracy import pairwise_accuracy
from components.feedback.ingestion import ingest_file
from components.records import Preference
from components.tracking.promotion import promote
from components.tracking.registration import register_all
from components.tracking.tracker import connect
from components.training.scoring import load_scorer
from flows.due import Decision, decide, is_due, wait_until_settled
from flows.health.drift import Drift, measure_drift

SHIPPED = yaml.safe_load((PROJECT / "params.yaml").read_text())["schedule"]


def plan(**values):
    return ScheduleParams(**SHIPPED | {"min_new_rows": 100, "max_accuracy_drop": 0.05} | values)


def drift(upper, at_evaluation=0.80):
    return Drift(accuracy=upper - 0.05, lower=upper - 0.1, upper=upper, pairs=60, at_evaluation=at_evaluation)


@pytest.mark.parametrize(
    ("rows", "found", "due"),
    [
        (0, None, False),
        (99, None, False),
        (100, None, True),
        (5000, None, True),
        # 0.80 - 0.05 = 0.75: the whole interval must lie below.
        (1, drift(0.749), True),
        (1, drift(0.751), False),
        (1, drift(0.90), False),
        # Without new feedback there is nothing that a retraining could learn from.
        (0, drift(0.50), False),
        (100, drift(0.90), True),
    ],
)
def test_enough_rows_or_a_reward_model_that_is_surely_worse(rows, found, due):
    assert decide(rows, found, plan()).is_due is due


def test_the_reason_has_the_figures():
    assert decide(7, None, plan()) == Decision(False, "7 new rows of the 100 that start a retraining")
    told = decide(7, drift(0.70), plan()).reason
    assert told == (
        "7 new rows of the 100 that start a retraining; but production's reward model is right on 65.0% "
        "[60.0%, 70.0%] of 60 new pairs, at its evaluation on 80.0%, more than 5.0% less"
    )


def test_nothing_is_due_where_feedback_starts_none():
    decision = decide(10_000, drift(0.1), plan(retrain_on_feedback=False))
    assert decision == Decision(False, "schedule.retrain_on_feedback is false")


def pairs_for(root, path, right):
    """Pairs of which the workspace's reward model ranks this share as `people` did."""
    texts = [(f"Review the phone {n}.", f"It lasts {n} hours.", f"A camera {n} of note.") for n in range(60)]
    scores = load_scorer(root / "models/reward")
    first = scores([prompt for prompt, *_ in texts], [a for _, a, _ in texts])
    second = scores([prompt for prompt, *_ in texts], [b for _, _, b in texts])
    rows = []
    for number, ((prompt, a, b), left, other) in enumerate(zip(texts, first, second, strict=True)):
        better, worse = (a, b) if (left > other) == (number < right * len(texts)) else (b, a)
        rows.append({"prompt": prompt, "chosen": better, "rejected": worse})
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    return rows


@pytest.fixture
def root(tmp_path, models, environment):
    environment.pop("MLFLOW_TRACKING_URI", None)
    environment["RLHF_AUTHOR"] = "trainer"
    return write_workspace(tmp_path / "clone", models)


@pytest.mark.parametrize(("right", "due"), [(0.25, True), (0.80, False)])
def test_people_who_no_longer_agree_with_production_make_it_due(root, tmp_path, right, due):
    register_all(connect(root))
    assert measure_drift(root) is None
    promote(connect(root), "1", "ada")
    assert measure_drift(root) is None
    # Their rows are no Parquet. That the candidate learned from them is on record.
    for batch in ("week-1-aaaaaaaa", "week-2-bbbbbbbb"):
        shutil.rmtree(root / "data/feedback" / batch)
    rows = pairs_for(root, tmp_path / "new.jsonl", right)
    result = ingest_file(tmp_path / "new.jsonl", root / "data")
    assert (result.status, result.accepted) == ("accepted", 60)
    found = measure_drift(root)
    assert (found.accuracy, found.pairs, found.at_evaluation) == (pytest.approx(right), 60, 0.81)
    # The same figures from the rows themselves.
    pairs = [Preference(row["prompt"], row["chosen"], row["rejected"]) for row in rows]
    signs = [1.0 if number < right * 60 else -1.0 for number in range(60)]
    expected = pairwise_accuracy(signs, pairs)
    assert (found.lower, found.upper) == pytest.approx((expected.lower, expected.upper), abs=0.05)
    decision = is_due(root)
    assert decision.is_due is due, decision.reason
    assert "60 new rows of the 500" in decision.reason
    # What no person judged, here the opposite of it all, neither counts nor is held against production.
    turned = [
        {"prompt": row["prompt"], "chosen": row["rejected"], "rejected": row["chosen"], "annotator": "auto:x"}
        for row in rows
    ]
    marked = "".join(json.dumps(row | {"automatic": True}) + "\n" for row in turned)
    (tmp_path / "automatic.jsonl").write_text(marked)
    assert ingest_file(tmp_path / "automatic.jsonl", root / "data").accepted == 60
    assert measure_drift(root) == found
    assert is_due(root) == decision


def test_one_process_waits_for_a_burst(root):
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(wait_until_settled, root, 3.0)
        while not (root / ".rlhf/debounce.lock").exists():
            assert not first.done()
        # The file is there a moment before its lock.
        time.sleep(0.5)
        with pytest.raises(BusyError, match="another run waits until batches stop coming in"):
            wait_until_settled(root, 1.0)
        first.result()
    wait_until_settled(root, 0.0)
