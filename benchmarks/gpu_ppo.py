"""PPO iterations on a GPU, by phase: this project's own training loop with a critic of its own."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from statistics import median
from types import SimpleNamespace
from typing import Any

import torch

from benchmarks import flops
from benchmarks.assets import make_tokenizer
from benchmarks.data import text
from benchmarks.gpu_models import made_ready, plain_policy, reward_model
from benchmarks.gpu_setting import EPOCHS, MINIBATCHES, SEED, Place, Setting
from components.modeling.device import cast_weights
from components.modeling.exploration import Exploration
from components.modeling.text_format import TextFormat
from components.training import rollouts as rollouts_module
from components.training.learner import Compute
from components.training.policy import make_critic, make_learners, train_policy
from components.training.rollouts import Rollouts, RolloutSampler
from components.training.run import Run
from components.training.scoring import Member, RewardScale, Scorer

PHASES = ("generation", "scoring", "updates")
#: Updates never stop early.
NEVER = 1e9


def measure_ppo(setting: Setting, place: Place, repeats: int, peak: float) -> dict[str, Any]:
    """Medians over the counted iterations; the first warms up. Args: peak: FLOP/s of matrix products."""
    params = plain_params(
        iterations=1 + repeats,
        rollouts=setting.rollouts,
        epochs=EPOCHS,
        minibatches=MINIBATCHES,
        learning_rate=1e-6,
        critic_learning_rate=1e-6,
    )
    compute = Compute(dtype=place.dtype, microbatch_tokens=setting.microbatch_tokens)
    policy = made_ready(plain_policy(setting, place))
    judge = reward_model(setting, place)
    critic, reference = copy.deepcopy(judge), copy.deepcopy(policy).requires_grad_(False)
    learners = make_learners(policy, critic, params, compute)
    for frozen in (judge, reference):
        cast_weights(frozen, place.dtype)
    tokenizer = make_tokenizer(setting.shape.vocab)
    text_format = TextFormat("{prompt}", setting.shape.positions, setting.shape.response_tokens)
    sampler = RolloutSampler(
        policy=policy,
        reference=reference,
        critic=make_critic(policy, critic, params),
        tokenizer=tokenizer,
        text_format=text_format,
        score_texts=Scorer([Member(judge, tokenizer, text_format, RewardScale(0.0, 1.0))]),
        explore=Exploration(),
        missing_eos_score=0.0,
    )
    prompts = [text(prompt) for round_ in range(1 + repeats) for prompt in setting.prompts(round_)]
    watch = Watch(sampler, place)
    with watch.timing_generation():
        train_policy(watch, learners, prompts, params, Run(SEED, watch, compute))  # type: ignore[arg-type]
    return _summary(watch.laps[1:], setting, peak)


class Watch:
    """A sampler and a log in one that keep the time of each iteration's phases."""

    def __init__(self, sampler: RolloutSampler, place: Place) -> None:
        self.sampler, self.place = sampler, place
        self.policy = sampler.policy
        self.laps: list[dict[str, Any]] = []
        self.began = self._now()

    def collect(self, prompts: Sequence[str], samples_each: int, generator: torch.Generator) -> Rollouts:
        self.rollouts = self.sampler.collect(prompts, samples_each, generator)
        self.scored = self._now()
        return self.rollouts

    def __call__(self, metrics: Mapping[str, float], step: int, /) -> None:
        ended = self._now()
        times = (self.generated - self.began, self.scored - self.generated, ended - self.scored)
        lengths = [(len(row.prompt), len(row.response)) for row in self.rollouts.rows]
        seconds = dict(zip(PHASES, times, strict=True))
        self.laps.append({"seconds": seconds, "lengths": lengths, "figures": dict(metrics)})
        self.began = self._now()

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Nothing is resumed here."""

    def _now(self) -> float:
        self.place.finish()
        return time.perf_counter()

    @contextmanager
    def timing_generation(self) -> Iterator[None]:
        sample = rollouts_module.sample

        def timed(*arguments: Any, **more: Any) -> Any:
            samples = sample(*arguments, **more)
            self.generated = self._now()
            return samples

        rollouts_module.sample = timed
        try:
            yield
        finally:
            rollouts_module.sample = sample


def _summary(laps: list[dict[str, Any]], setting: Setting, peak: float) -> dict[str, Any]:
    phases = {name: median(lap["seconds"][name] for lap in laps) for name in PHASES}
    seconds = median(sum(lap["seconds"].values()) for lap in laps)
    return {
        "seconds": seconds,
        "phases": phases,
        "generating_share": phases["generation"] / seconds,
        "update_tokens_per_second": median(
            EPOCHS * sum(map(sum, lap["lengths"])) / lap["seconds"]["updates"] for lap in laps
        ),
        "update_peak_share": median(
            _update_flops(setting, lap["lengths"]) / lap["seconds"]["updates"] for lap in laps
        )
        / peak,
        "laps": laps,
    }


def _update_flops(setting: Setting, lengths: list[tuple[int, int]]) -> int:
    """Forward and backward passes of policy and critic over every sequence, in each epoch."""
    passes = flops.policy(setting.shape, lengths) + flops.scalar(setting.shape, lengths)
    return EPOCHS * flops.TRAINING * passes


def plain_params(**chosen: Any) -> Any:
    """What the training reads of the pipeline's parameters, which are checked with a package that is not here."""
    return SimpleNamespace(
        algorithm="ppo",
        shares_trunk=False,
        needs_critic=True,
        samples_per_prompt=1,
        kl_coef=0.05,
        kl_target=None,
        gamma=1.0,
        lam=0.95,
        whiten_rewards=False,
        clip_eps=0.2,
        value_clip=0.2,
        dual_clip=None,
        temperature=1.0,
        target_kl=NEVER,
        max_grad_norm=1.0,
        **chosen,
    )
