"""What the stages `reward_model` and `judge` share: the same training on other feedback with another seed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

from components.config import Params, RewardParams
from components.errors import DataError
from components.evaluation.stars import FEWEST_RATINGS, Stars, fit_stars
from components.files import replacing_directory
from components.modeling.device import pick_device, seed_everything
from components.modeling.loading import new_reward_model, save_model
from components.modeling.text_format import TextFormat
from components.stages.checkpointing import forget_checkpoints
from components.stages.paths import SFT
from components.stages.prepared import load_demonstrations, load_preferences, load_ratings
from components.stages.step_log import StepLog
from components.stages.training_run import start_run
from components.training.encoding import encode_pairs
from components.training.epochs import count_steps
from components.training.reward_model import encode_preferences, train_reward_model
from components.training.scoring import RewardScale, ScoreTexts, raw_scores, text_scorer

#: Reference responses that fix the zero and the unit of the scores.
REFERENCES = 512


@dataclass(frozen=True)
class Setting:
    """Which preference model: its stage, the role whose preferences it learns, its folder, its parameters, its seed."""

    stage: str
    role: str
    folder: Path
    learning: RewardParams
    seed: int


def train_preference_model(setting: Setting, params: Params) -> None:
    """Train on the role's training preferences, fix the scale and the stars, and write folder and reports."""
    seed_everything(setting.seed)
    model, tokenizer, text_format = new_reward_model(SFT)
    model.to(pick_device())
    pairs = encode_preferences(tokenizer, text_format, load_preferences("train", setting.role))
    if not pairs:
        raise DataError(
            f"no training preferences for the role {setting.role!r}",
            "ingest more pairwise feedback, or change prepare.judge_share in params.yaml",
        )
    log = StepLog(setting.stage, count_steps(len(pairs), setting.learning), shown=("loss", "accuracy"))
    run = start_run(setting.stage, params, setting.seed, log)
    train_reward_model(model, pairs, setting.learning, run)
    if not run.leads:
        return
    scale = _measure_scale(model, tokenizer, text_format)
    stars = _fit_stars(text_scorer(model, tokenizer, text_format, scale))
    with replacing_directory(setting.folder) as staged:
        save_model(staged, model, tokenizer, text_format)
        scale.save(staged)
        if stars is not None:
            stars.write(staged / "stars.json")
    log.write(
        {
            "pairs": len(pairs),
            "train_loss": log.mean_of_last("loss"),
            "train_accuracy": log.mean_of_last("accuracy"),
        }
    )
    forget_checkpoints(setting.stage)


def _measure_scale(model: PreTrainedModel, tokenizer: Any, text_format: TextFormat) -> RewardScale:
    references = load_demonstrations("train")[:REFERENCES]
    rows = encode_pairs(
        tokenizer, text_format, [row.prompt for row in references], [row.response for row in references]
    )
    return RewardScale.measure(raw_scores(model, rows))


def _fit_stars(score: ScoreTexts) -> Stars | None:
    ratings = load_ratings("validation")
    if len(ratings) < FEWEST_RATINGS:
        # Kinder to the model than it deserves, because it learned from these too; better than no stars.
        ratings = load_ratings("train")
    scores = score([row.prompt for row in ratings], [row.response for row in ratings])
    return fit_stars(scores, [row.rating for row in ratings])
