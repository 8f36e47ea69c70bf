"""Our PPO, held between two iterations until the harness asks for the next."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from benchmarks.data import text
from benchmarks.ours.precision import compute_of
from benchmarks.worker import Laps, Spec, phases
from components.config import PpoParams
from components.stages.ppo import set_up
from components.training import rollouts as rollouts_module
from components.training.policy import train_policy
from components.training.rollouts import Rollouts, RolloutSampler
from components.training.run import Run

#: Updates never stop early: TRL's do not.
NEVER = 1e9


def run_ppo(spec: Spec, laps: Laps) -> None:
    # The stage's own set-up: it reads models/ in the working directory.
    os.chdir(spec.folder)
    compute = compute_of(spec)
    params = _params(spec)
    sampler, learners = set_up(params, compute)
    watched = Watch(sampler, laps)
    prompts = [text(prompt) for prompt in spec.data()["prompts"]]
    watched.start()
    train_policy(watched, learners, prompts, params, Run(spec.seed, watched, compute))  # type: ignore[arg-type]


class Watch:
    """A sampler and a log in one that keep the time; a lap is an iteration.

    Its phases: generation, scoring (all else that a rollout needs), and updates, the advantages among them.
    """

    def __init__(self, sampler: RolloutSampler, laps: Laps) -> None:
        self.sampler, self.laps = sampler, laps
        self.policy = sampler.policy
        self.generated = self.scored = 0.0
        self._time_generation()

    def start(self) -> None:
        self.laps.start()
        self.began = time.perf_counter()

    def collect(self, prompts: Sequence[str], samples_each: int, generator: torch.Generator) -> Rollouts:
        self.rollouts = self.sampler.collect(prompts, samples_each, generator)
        self.scored = time.perf_counter()
        return self.rollouts

    def __call__(self, metrics: Mapping[str, float], step: int, /) -> None:
        self.laps.stop()
        ended = time.perf_counter()
        self.laps.report(
            rows=len(self.rollouts),
            updates=int(metrics["updates"]),
            lengths=[(len(row.prompt), len(row.response)) for row in self.rollouts.rows],
            figures={"score": self._score(), "kl": metrics["kl"]},
            phases=phases(self.began, self.generated, self.scored, ended),
        )
        self.start()

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Nothing is resumed here."""

    def _score(self) -> float:
        """Mean over responses that ended: what becomes of the others' scores differs from TRL's."""
        return float(self.rollouts.scores[self.rollouts.ended].mean())

    def _time_generation(self) -> None:
        sample = rollouts_module.sample

        def timed(*arguments: Any, **more: Any) -> Any:
            samples = sample(*arguments, **more)
            self.generated = time.perf_counter()
            return samples

        rollouts_module.sample = timed


def _params(spec: Spec) -> PpoParams:
    return PpoParams(
        algorithm="ppo",
        critic="shared" if spec.setting == "shared_trunk" else "separate",
        samples_per_prompt=1,
        iterations=spec.laps,
        rollouts=spec.rollouts,
        epochs=spec.epochs,
        minibatches=spec.minibatches,
        learning_rate=spec.learning_rate,
        critic_learning_rate=spec.learning_rate,
        kl_coef=0.05,
        kl_target=None,
        kl_horizon=10_000,
        gamma=1.0,
        lam=0.95,
        whiten_rewards=False,
        clip_eps=0.2,
        value_clip=0.2,
        dual_clip=None,
        vf_coef=0.1,
        temperature=1.0,
        top_k=0,
        top_p=1.0,
        epsilon=0.0,
        missing_eos_score=0.0,
        target_kl=NEVER,
        max_grad_norm=1.0,
    )
