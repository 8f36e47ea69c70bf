"""TRL's RewardTrainer, SFTTrainer and DPOTrainer on tokens that are ready."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
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


@dataclass(frozen=True)
class Kind:
    """One of TRL's trainers.

    Attributes:
        rows: the name of its rows in data.json.
        column: what the trainer reads of a row.
    """

    trainer: type
    config: type
    model: Callable[[Spec], PreTrainedModel]
    rows: str
    column: Callable[[Row], dict[str, Any]]


def run_laps(spec: Spec, laps: Laps, kind: Kind) -> None:
    """A lap is one call of train() on a fresh model; making the trainer is not in it."""
    tokenizer, rows = AutoTokenizer.from_pretrained(spec.policy), spec.data()[kind.rows]
    while True:
        count = laps.wait()
        trainer = _trainer(spec, kind, rows[:count], tokenizer)
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


def _trainer(spec: Spec, kind: Kind, rows: list[Row], tokenizer: Any) -> Any:
    """One that has not started, on rows with their length, which grouping reads."""
    columns = [kind.column(row) | {"length": max(map(sum, lengths(row)))} for row in rows]
    return kind.trainer(
        model=kind.model(spec),
        args=kind.config(**_arguments(spec)),
        train_dataset=Dataset.from_list(columns),
        processing_class=tokenizer,
    )


def _reward_model(spec: Spec) -> PreTrainedModel:
    return AutoModelForSequenceClassification.from_pretrained(spec.reward, dtype=torch.float32)


def _policy(spec: Spec) -> PreTrainedModel:
    return AutoModelForCausalLM.from_pretrained(spec.policy, dtype=torch.float32)


def _pair(row: Row) -> dict[str, Any]:
    return {"chosen_ids": row["prompt"] + row["chosen"], "rejected_ids": row["prompt"] + row["rejected"]}


def _demonstration(row: Row) -> dict[str, Any]:
    prompt, response = row["prompt"], row["response"]
    return {"input_ids": prompt + response, "labels": [-100] * len(prompt) + response}


def _pair_of_texts(row: Row) -> dict[str, Any]:
    # DPO takes text alone; a space ends the prompt so that the response starts a new word.
    return {
        "prompt": text(row["prompt"]) + " ",
        "chosen": text(row["chosen"]),
        "rejected": text(row["rejected"]),
    }


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


KINDS = {
    "reward_model": Kind(RewardTrainer, RewardConfig, _reward_model, "pairs", _pair),
    "sft": Kind(SFTTrainer, SFTConfig, _policy, "rows", _demonstration),
    "dpo": Kind(DPOTrainer, DPOConfig, _policy, "pairs", _pair_of_texts),
}
TRAININGS: dict[str, Job] = {name: partial(run_laps, kind=kind) for name, kind in KINDS.items()}
