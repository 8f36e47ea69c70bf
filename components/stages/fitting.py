"""What is fixed once a reward model has learned: the scale of its scores, its temperature, its stars."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import fmean

from components.evaluation.accuracy import pairwise_accuracy
from components.evaluation.calibration import cross_entropy, fit_temperature
from components.evaluation.intervals import number
from components.evaluation.stars import FEWEST_RATINGS, Stars, fit_stars
from components.records import Preference
from components.stages.backbone import Backbone
from components.stages.margins import margins_of
from components.stages.prepared import load_demonstrations, load_preferences, load_ratings
from components.training.encoding import encode_pairs
from components.training.scoring import RewardScale, Scorer, load_scorer, raw_scores

#: Reference responses that fix the zero and the unit of the scores.
REFERENCES = 512


def measure_scale(trained: Backbone) -> RewardScale:
    """Zero and unit of a model's scores: those of reference responses."""
    references = load_demonstrations("train")[:REFERENCES]
    prompts, responses = [row.prompt for row in references], [row.response for row in references]
    rows = encode_pairs(trained.tokenizer, trained.text_format, prompts, responses)
    return RewardScale.measure(raw_scores(trained.model, rows))


def fit_to_people(folder: Path) -> dict[str, object]:
    """Fit temperature and stars of the reward model in `folder` to held-out feedback, and save them with it.

    Returns:
        its figures on the validation preferences, which taught nobody.
    """
    scorer = load_scorer(folder)
    stars = _fit_stars(scorer)
    if stars is not None:
        stars.write(folder / "stars.json")
    preferences = load_preferences("validation")
    margins = scorer.unit * margins_of(scorer, preferences)
    temperature = fit_temperature(margins, preferences)
    replace(RewardScale.load(folder), temperature=temperature).save(folder)
    return {
        "validation_pairs": len(preferences),
        "validation_loss": number(cross_entropy(margins, preferences)),
        "validation_accuracy": number(pairwise_accuracy(margins, preferences).value),
        "validation_loss_calibrated": number(cross_entropy(margins / temperature, preferences)),
        "temperature": temperature,
        "disagreement": _disagreement(scorer, preferences),
    }


def _fit_stars(score: Scorer) -> Stars | None:
    ratings = load_ratings("validation")
    if len(ratings) < FEWEST_RATINGS:
        # Kinder to the model than it deserves, because it learned from these too; better than no stars.
        ratings = load_ratings("train")
    scores = score([row.prompt for row in ratings], [row.response for row in ratings])
    return fit_stars(scores, [row.rating for row in ratings])


def _disagreement(scorer: Scorer, preferences: list[Preference]) -> float | None:
    """Mean standard deviation over the members of the scores of preferred answers; None of one member."""
    if len(scorer.members) == 1 or not preferences:
        return None
    prompts, answers = [row.prompt for row in preferences], [row.chosen for row in preferences]
    return fmean(scorer.disagreement(prompts, answers))
