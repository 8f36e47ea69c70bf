"""TRL's PPOTrainer, held between two iterations until the harness asks for the next."""

from __future__ import annotations

import os
import time
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from torch.optim.optimizer import register_optimizer_step_post_hook
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    TrainerCallback,
)
from trl.experimental.ppo import PPOConfig, PPOTrainer, ppo_trainer

from benchmarks.data import EOS_ID, PAD_ID
from benchmarks.theirs.sampling import response_lengths
from benchmarks.theirs.settings import arguments
from benchmarks.worker import Laps, Spec, phases


def run_ppo(spec: Spec, laps: Laps) -> None:
    if spec.precision == "bf16":
        # PPOTrainer makes its own Accelerator and does not hand `bf16=True` on; this is what `accelerate launch
        # --mixed_precision bf16` sets.
        os.environ["ACCELERATE_MIXED_PRECISION"] = "bf16"
    watch = Watch(spec, laps)
    trainer = _trainer(spec, watch)
    watch.start()
    trainer.train()


class Watch(TrainerCallback):
    """A lap is an iteration. Its phases: generation, scoring (all that follows up to whitened advantages), updates."""

    def __init__(self, spec: Spec, laps: Laps) -> None:
        self.spec, self.laps = spec, laps
        self.steps = 0
        self.queries = self.sequences = self.scores = torch.empty(0, 0)
        self.kl = 0.0
        self._time_phases()
        register_optimizer_step_post_hook(self._count_step)

    def start(self) -> None:
        self.rows = self.laps.start()
        self.began, self.steps = time.perf_counter(), 0

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        self.kl = logs["objective/kl"]

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.laps.stop()
        ended = time.perf_counter()
        self.laps.report(
            rows=len(self.queries),
            updates=self.steps,
            lengths=self._lengths(),
            figures={"score": self._score(), "kl": self.kl},
            phases=phases(self.began, self.generated, self.scored, ended),
        )
        self.start()

    def _lengths(self) -> list[tuple[int, int]]:
        prompts = (self.queries != PAD_ID).sum(1).tolist()
        responses = response_lengths(self.sequences[:, self.queries.shape[1] :])
        return [*zip(prompts, responses, strict=True)]

    def _score(self) -> float:
        """Mean over responses that ended: what becomes of the others' scores differs from ours."""
        ended = (self.sequences[:, self.queries.shape[1] :] == EOS_ID).any(dim=1)
        return float(self.scores[ended].mean())

    def _count_step(self, *_: Any) -> None:
        self.steps += 1

    def _time_phases(self) -> None:
        generate, whiten = ppo_trainer.batch_generation, ppo_trainer.masked_whiten
        get_reward = ppo_trainer.get_reward

        def timed_generate(model: Any, queries: Tensor, *rest: Any) -> Any:
            results = generate(model, queries, *rest)
            self.queries, self.sequences = queries, results[0]
            self.generated = time.perf_counter()
            return results

        def seen_reward(*arguments: Any) -> Any:
            # The critic is read through the same function, before the reward model.
            results = get_reward(*arguments)
            self.scores = results[1]
            return results

        def timed_whiten(*arguments: Any, **more: Any) -> Tensor:
            whitened = whiten(*arguments, **more)
            self.scored = time.perf_counter()
            return whitened

        ppo_trainer.batch_generation, ppo_trainer.masked_whiten = timed_generate, timed_whiten
        ppo_trainer.get_reward = seen_reward


def _trainer(spec: Spec, watch: Watch) -> PPOTrainer:
    tokenizer = AutoTokenizer.from_pretrained(spec.policy, padding_side="left")
    return PPOTrainer(
        args=PPOConfig(**_arguments(spec)),
        processing_class=tokenizer,
        model=_load(AutoModelForCausalLM, spec.policy),
        ref_model=_load(AutoModelForCausalLM, spec.policy),
        reward_model=_load(AutoModelForSequenceClassification, spec.reward),
        value_model=_load(AutoModelForSequenceClassification, spec.reward),
        train_dataset=Dataset.from_list([{"input_ids": ids} for ids in spec.data()["prompts"]]),
        callbacks=[watch],
    )


def _arguments(spec: Spec) -> dict[str, Any]:
    """All rollouts are one device batch, so that each minibatch is an optimizer step.

    Minibatches as accumulation steps, which the documentation suggests, make one optimizer step of an epoch.
    """
    return arguments(
        spec,
        per_device_train_batch_size=spec.rollouts,
        num_mini_batches=spec.minibatches,
        num_ppo_epochs=spec.epochs,
        total_episodes=spec.rollouts * spec.laps,
        local_rollout_forward_batch_size=spec.rollouts,
        response_length=spec.response_tokens,
        stop_token="eos",  # noqa: S106
        temperature=1.0,
        kl_coef=0.05,
        num_sample_generations=0,
        logging_steps=1,
        logging_strategy="steps",
    )


def _load(kind: Any, folder: Any) -> Any:
    return kind.from_pretrained(folder, dtype=torch.float32)
