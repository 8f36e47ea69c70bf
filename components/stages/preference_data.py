"""Which feedback teaches a preference model: each judgement in one way, never in two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from components.config import RewardParams
from components.errors import DataError
from components.feedback.preferences import without_kinds
from components.modeling.text_format import TextFormat
from components.records import Preference, Rating
from components.stages.prepared import load_preferences, load_ratings
from components.training.rated_answers import EncodedRating, encode_ratings
from components.training.reward_model import EncodedPair, encode_preferences


@dataclass(frozen=True)
class Lesson:
    """The training feedback on the prompts of one role.

    Attributes:
        preferences: all of it as comparisons, but for what `ratings` holds.
        ratings: stars where `rating_weight` is above 0, thumbs where `thumbs_weight` is.
    """

    preferences: list[Preference]
    ratings: list[Rating]

    def encode(
        self, tokenizer: Any, text_format: TextFormat, learning: RewardParams
    ) -> list[EncodedPair | EncodedRating]:
        return [
            *encode_preferences(tokenizer, text_format, self.preferences, learning.strength_margin),
            *encode_ratings(tokenizer, text_format, self.ratings, learning),
        ]


def load_lesson(role: str, learning: RewardParams) -> Lesson:
    """Raises DataError where there is nothing to learn from."""
    weights = {"rating": learning.rating_weight, "thumbs": learning.thumbs_weight}
    alone = [kind for kind, weight in weights.items() if weight > 0]
    lesson = Lesson(
        preferences=without_kinds(load_preferences("train", role), alone),
        ratings=[rating for kind in alone for rating in load_ratings("train", kind, role)],
    )
    if not lesson.preferences and not lesson.ratings:
        raise DataError(
            f"no training preferences for the role {role!r}",
            "ingest more pairwise feedback, or change prepare.judge_share in params.yaml",
        )
    return lesson
