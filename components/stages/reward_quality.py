"""How well a reward model predicts what people preferred on held-out pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from components.evaluation.accuracy import Accuracy, accuracy_by, longer_wins_accuracy, pairwise_accuracy
from components.evaluation.calibration import Calibration, calibrate
from components.evaluation.intervals import Bootstrap, number
from components.evaluation.stars import Stars
from components.feedback.simulator import GOLD_SOURCE, gold_utility
from components.records import Preference
from components.training.scoring import RewardScale, load_scorer


@dataclass(frozen=True)
class RewardQuality:
    """Attributes:
    bayes: what knowing the true utility would reach on the same labels; None where feedback is not simulated.
    """

    accuracy: Accuracy
    longer_wins: Accuracy
    bayes: Accuracy | None
    calibration: Calibration
    by_source: dict[str, Accuracy]
    by_batch: dict[str, Accuracy]
    stars: Stars | None

    def figures(self) -> dict[str, Any]:
        """The section of reports/metrics.json."""
        return {
            **self.accuracy.figures("accuracy"),
            "pairs": self.accuracy.pairs,
            "bayes_accuracy": None if self.bayes is None else number(self.bayes.value),
            "longer_wins_accuracy": number(self.longer_wins.value),
            **self.calibration.figures(),
            "by_source": _groups(self.by_source),
            "by_batch": _groups(self.by_batch),
            "stars": None if self.stars is None else asdict(self.stars),
        }


def measure_reward_model(
    folder: Path, preferences: Sequence[Preference], bins: int, bootstrap: Bootstrap
) -> RewardQuality:
    """Hold the reward model in `folder` against held-out preferences."""
    margins = _margins(folder, preferences)
    return RewardQuality(
        accuracy=pairwise_accuracy(margins, preferences, bootstrap),
        longer_wins=longer_wins_accuracy(preferences, bootstrap),
        bayes=_bayes_accuracy(preferences, bootstrap),
        calibration=calibrate(_raw(folder, margins), preferences, bins),
        by_source=accuracy_by(lambda pair: pair.source, margins, preferences, bootstrap),
        by_batch=accuracy_by(lambda pair: pair.batch, margins, preferences, bootstrap),
        stars=Stars.read(folder / "stars.json"),
    )


def _margins(folder: Path, preferences: Sequence[Preference]) -> list[float]:
    score = load_scorer(folder)
    prompts = [pair.prompt for pair in preferences]
    chosen = score(prompts, [pair.chosen for pair in preferences])
    rejected = score(prompts, [pair.rejected for pair in preferences])
    return [good - bad for good, bad in zip(chosen, rejected, strict=True)]


def _raw(folder: Path, margins: Sequence[float]) -> list[float]:
    """Margins of the head's own logits: only those are log-odds."""
    std = RewardScale.load(folder).std
    return [margin * std for margin in margins]


def _bayes_accuracy(preferences: Sequence[Preference], bootstrap: Bootstrap) -> Accuracy | None:
    if not preferences or any(pair.source != GOLD_SOURCE for pair in preferences):
        return None
    gold = [
        gold_utility(pair.prompt, pair.chosen) - gold_utility(pair.prompt, pair.rejected)
        for pair in preferences
    ]
    return pairwise_accuracy(gold, preferences, bootstrap)


def _groups(groups: dict[str, Accuracy]) -> dict[str, Any]:
    return {name: {**found.figures("accuracy"), "pairs": found.pairs} for name, found in groups.items()}
