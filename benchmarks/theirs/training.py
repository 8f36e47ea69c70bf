"""TRL's RewardTrainer, SFTTrainer and DPOTrainer on tokens that are ready."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import torch
from datasets import Dataset
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
)
from trl import DPOConfig, DPOTrainer, RewardConfig, RewardTrainer, SFTConfig, SFTTrainer

from benchmarks.data import Row, lengths, text
from benchmarks.theirs.settings import arguments
from benchmarks.worker import Job, Laps, Spec

#: From the spec, the rows and a tokenizer to a trainer that has not started.
Build = Callable[[Spec, list[Row], Any], Any]


def run_laps(spec: Spec, laps: Laps, build: Build, rows: list[Row]) -> None:
    """A lap is one call of train() on a fresh model; making the trainer is not in it."""
    tokenizer = AutoTokenizer.from_pretrained(spec.policy)
    while True:
        count = laps.wait()
        trainer = build(spec, rows[:count], tokenizer)
        laps.restart()
        output = trainer.train()
        laps.stop()
        laps.report(
            rows=count,
            updates=trainer.state.global_step,
            tokens=int(trainer._total_train_tokens),
            figures={"loss": output.training_loss},
        )
        del trainer
        gc.collect()


def reward_trainer(spec: Spec, rows: list[Row], tokenizer: Any) -> RewardTrainer:
    model = AutoModelForSequenceClassification.from_pretrained(spec.reward, dtype=torch.float32)
    columns = [
        {"chosen_ids": row["prompt"] + row["chosen"], "rejected_ids": row["prompt"] + row["rejected"]}
        for row in rows
    ]
    return RewardTrainer(
        model=model,
        args=RewardConfig(**_arguments(spec)),
        train_dataset=_dataset(rows, columns),
        processing_class=tokenizer,
    )


def sft_trainer(spec: Spec, rows: list[Row], tokenizer: Any) -> SFTTrainer:
    columns = [
        {
            "input_ids": row["prompt"] + row["response"],
            "labels": [-100] * len(row["prompt"]) + row["response"],
        }
        for row in rows
    ]
    return SFTTrainer(
        model=_policy(spec),
        args=SFTConfig(**_arguments(spec)),
        train_dataset=_dataset(rows, columns),
        processing_class=tokenizer,
    )


def dpo_trainer(spec: Spec, rows: list[Row], tokenizer: Any) -> DPOTrainer:
    # It takes text alone; a space ends the prompt so that the response starts a new word.
    columns = [
        {
            "prompt": text(row["prompt"]) + " ",
            "chosen": text(row["chosen"]),
            "rejected": text(row["rejected"]),
        }
        for row in rows
    ]
    return DPOTrainer(
        model=_policy(spec),
        args=DPOConfig(**_arguments(spec)),
        train_dataset=_dataset(rows, columns),
        processing_class=tokenizer,
    )


def _policy(spec: Spec) -> PreTrainedModel:
    return AutoModelForCausalLM.from_pretrained(spec.policy, dtype=torch.float32)


def _dataset(rows: list[Row], columns: list[dict[str, Any]]) -> Dataset:
    """With each row's length, which grouping reads."""
    longest = [max(map(sum, lengths(row))) for row in rows]
    return Dataset.from_list(
        [{**column, "length": length} for column, length in zip(columns, longest, strict=True)]
    )


def _arguments(spec: Spec) -> dict[str, Any]:
    grouped = spec.setting == "grouped"
    return arguments(
        spec,
        per_device_train_batch_size=spec.batch,
        num_train_epochs=1,
        train_sampling_strategy="group_by_length" if grouped else "random",
        # Trainer drops the lengths before it reads them, and then looks for `input_ids`, which pairs have not.
        remove_unused_columns=not grouped,
    )


TRAININGS: dict[str, Job] = {
    "reward_model": lambda spec, laps: run_laps(spec, laps, reward_trainer, spec.data()["pairs"]),
    "sft": lambda spec, laps: run_laps(spec, laps, sft_trainer, spec.data()["rows"]),
    "dpo": lambda spec, laps: run_laps(spec, laps, dpo_trainer, spec.data()["pairs"]),
}
