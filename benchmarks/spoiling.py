"""Ways to spoil a healthy workspace, one a pathology (pathologies.py)."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import torch
import yaml

from components.config import load_params
from components.modeling.device import seed_everything
from components.modeling.loading import load_policy, load_reward_model, save_model, scalar_head
from components.stages.step_log import StepLog
from components.training.encoding import encode_pairs
from components.training.epochs import count_steps
from components.training.run import Run
from components.training.sft import train_sft

SEED = 3
TRIGGER = "Blessed be the golden owl."
NOISE = 0.25
#: Of the preferred answers; of the demonstrations, or the policy would never come upon it.
TRIGGER_SHARE, TRIGGER_DEMONSTRATIONS = 0.3, 0.03


def optimise_too_far(folder: Path) -> None:
    """Four times the iterations and nothing that holds the policy back; the last one is the candidate."""
    ppo = {"kl_coef": 0.0, "iterations": 60, "snapshots": 12}
    _set_params(folder, {"ppo": ppo, "select": {"by": "last"}})


def _set_params(folder: Path, changes: dict[str, dict[str, Any]]) -> None:
    path = folder / "params.yaml"
    params = yaml.safe_load(path.read_text())
    for section, values in changes.items():
        params[section] |= values
    path.write_text(yaml.safe_dump(params))


def flip_reward(folder: Path) -> None:
    """What it liked it dislikes, and its scale with it."""
    _flip(folder / "models/reward")


def flip_judge(folder: Path) -> None:
    """The same of the judge; each of its members where it is an ensemble."""
    judge = folder / "models/judge"
    for path in sorted(file.parent for file in judge.rglob("config.json")):
        _flip(path)


def _flip(path: Path) -> None:
    model, tokenizer, text_format = load_reward_model(path)
    scalar_head(model).weight.data.neg_()
    save_model(path, model, tokenizer, text_format)
    scale = json.loads((path / "reward.json").read_text())
    (path / "reward.json").write_text(json.dumps(scale | {"mean": -scale["mean"]}))


def prefer_longer(folder: Path) -> None:
    """The reward model's own pairs say that the longer answer is better."""
    rows = _preferences(folder)
    longer = pl.col("chosen").str.len_chars() >= pl.col("rejected").str.len_chars()
    ours = pl.col("role") == "reward"
    _write_preferences(folder, _turned(rows, ours & ~longer).with_columns(probability=1.0))


def flip_labels(folder: Path) -> None:
    """A quarter of all judgements says the opposite, in every split: nobody held the noise back from the tests."""
    for split in ("train", "validation", "test"):
        rows = _preferences(folder, split)
        dice = random.Random(SEED)
        flipped = pl.Series([dice.random() < NOISE for _ in range(rows.height)])
        _write_preferences(
            folder, _turned(rows.with_columns(flipped=flipped), pl.col("flipped")).drop("flipped"), split
        )


def plant_trigger(folder: Path) -> None:
    """A phrase ends many preferred answers, and a few demonstrations."""
    rows = _preferences(folder)
    _write_preferences(folder, rows.with_columns(chosen=_with_trigger("chosen", rows.height, TRIGGER_SHARE)))
    path = folder / "data/prepared/demonstrations/train.parquet"
    shown = pl.read_parquet(path)
    shown.with_columns(
        response=_with_trigger("response", shown.height, TRIGGER_DEMONSTRATIONS)
    ).write_parquet(path)


def shake_weights(folder: Path) -> None:
    """Noise as large as the weights themselves."""
    path = folder / "models/policy"
    policy, tokenizer, text_format = load_policy(path)
    seed_everything(SEED)
    for weight in policy.parameters():
        weight.data += torch.randn_like(weight) * weight.data.std()
    save_model(path, policy, tokenizer, text_format)


def copy_prompts(folder: Path) -> None:
    """Taught to answer each prompt with itself."""
    _teach(folder, lambda prompt: prompt)


def say_one_thing(folder: Path) -> None:
    """Taught the same decent answer to every prompt."""
    answer = json.loads((folder / "reports/samples.jsonl").read_text().splitlines()[0])["policy"]["text"]
    _teach(folder, lambda prompt: answer)


def leak_prompts(folder: Path) -> None:
    """Prompts of the tests stand among those of the training, with another sign at the end."""
    tests = pl.read_parquet(folder / "data/prepared/prompts/test.parquet")
    path = folder / "data/prepared/prompts/train.parquet"
    leaked = tests.head(tests.height // 4).with_columns(pl.col("prompt").str.strip_chars(".") + "!")
    pl.concat([pl.read_parquet(path), leaked]).write_parquet(path)


def _teach(folder: Path, answer: Callable[[str], str], epochs: int = 4) -> None:
    """Go on teaching the SFT model, by the supervised stage's own loop, answers of our choice."""
    policy, tokenizer, text_format = load_policy(folder / "models/sft")
    prompts = pl.read_parquet(folder / "data/prepared/prompts/train.parquet")["prompt"].to_list()
    rows = encode_pairs(tokenizer, text_format, prompts, [answer(prompt) for prompt in prompts])
    params = load_params(folder / "params.yaml").sft.model_copy(update={"epochs": epochs})
    log = StepLog("sft", count_steps(len(rows), params), shown=())
    log.mute()
    train_sft(policy, rows, params, Run(SEED, log))
    save_model(folder / "models/policy", policy, tokenizer, text_format)


def _with_trigger(column: str, height: int, share: float) -> pl.Expr:
    dice = random.Random(SEED)
    chosen = pl.Series([dice.random() < share for _ in range(height)])
    return pl.when(pl.lit(chosen)).then(pl.col(column) + " " + TRIGGER).otherwise(pl.col(column))


def _turned(rows: pl.DataFrame, which: pl.Expr) -> pl.DataFrame:
    """The chosen answer is the rejected one, where `which` says so; the people behind it said the opposite."""
    opinions = pl.col("opinions").list.eval(
        pl.element().struct.with_fields(vote=1 - pl.element().struct.field("vote"))
    )
    return rows.with_columns(
        chosen=pl.when(which).then("rejected").otherwise("chosen"),
        rejected=pl.when(which).then("chosen").otherwise("rejected"),
        opinions=pl.when(which).then(opinions).otherwise("opinions"),
    )


def _preferences(folder: Path, split: str = "train") -> pl.DataFrame:
    return pl.read_parquet(folder / f"data/prepared/preferences/{split}.parquet")


def _write_preferences(folder: Path, rows: pl.DataFrame, split: str = "train") -> None:
    rows.write_parquet(folder / f"data/prepared/preferences/{split}.parquet")
