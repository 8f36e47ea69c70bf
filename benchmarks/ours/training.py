"""Our reward model, SFT and DPO trainings on tokens that are ready."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

from benchmarks.data import Row, lengths
from benchmarks.ours.log import Steps
from benchmarks.ours.precision import compute_of
from benchmarks.worker import Job, Laps, Spec
from components.config import DpoParams, RewardParams, SupervisedParams
from components.modeling.loading import load_policy, load_reward_model
from components.training.dpo import train_dpo
from components.training.encoding import Encoded
from components.training.reward_model import EncodedPair, train_reward_model
from components.training.run import Run
from components.training.sft import train_sft

#: From the spec and the rows to a call that trains a fresh model and tells a run's log of each step.
Build = Callable[[Spec, list[Row]], Callable[[Run], None]]


def run_laps(spec: Spec, laps: Laps, build: Build, rows: list[Row]) -> None:
    """A lap is one call of the training function on a fresh model."""
    while True:
        count = laps.wait()
        part, steps = rows[:count], Steps()
        train = build(spec, part)
        run = Run(spec.seed, steps, compute_of(spec))
        laps.restart()
        train(run)
        laps.stop()
        tokens = sum(sum(pair) for row in part for pair in lengths(row))
        laps.report(rows=count, updates=len(steps.losses), tokens=tokens, figures={"loss": steps.mean})
        del train, run
        gc.collect()


def reward_training(spec: Spec, rows: list[Row]) -> Callable[[Run], None]:
    model, _, _ = load_reward_model(spec.reward)
    params = RewardParams(**_params(spec), centering=0.0)
    return lambda run: train_reward_model(model, _pairs(rows), params, run)


def sft_training(spec: Spec, rows: list[Row]) -> Callable[[Run], None]:
    model, _, _ = load_policy(spec.policy)
    params = SupervisedParams(**_params(spec))
    return lambda run: train_sft(
        model, [Encoded(row["prompt"], row["response"]) for row in rows], params, run
    )


def dpo_training(spec: Spec, rows: list[Row]) -> Callable[[Run], None]:
    model, _, _ = load_policy(spec.policy)
    params = DpoParams(**_params(spec), beta=0.1)
    return lambda run: train_dpo(model, _pairs(rows), params, run)


def _pairs(rows: list[Row]) -> list[EncodedPair]:
    return [
        EncodedPair(Encoded(row["prompt"], row["chosen"]), Encoded(row["prompt"], row["rejected"]), 1.0, 1.0)
        for row in rows
    ]


def _params(spec: Spec) -> dict[str, Any]:
    return {
        "epochs": 1,
        "batch_size": spec.batch,
        "learning_rate": spec.learning_rate,
        "warmup_share": 0.0,
        "weight_decay": 0.0,
    }


TRAININGS: dict[str, Job] = {
    "reward_model": lambda spec, laps: run_laps(spec, laps, reward_training, spec.data()["pairs"]),
    "sft": lambda spec, laps: run_laps(spec, laps, sft_training, spec.data()["rows"]),
    "dpo": lambda spec, laps: run_laps(spec, laps, dpo_training, spec.data()["pairs"]),
}
