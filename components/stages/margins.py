"""How far a reward model puts the preferred answers of pairs above the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components.evaluation.intervals import Floats
from components.records import Preference
from components.training.scoring import ScoreTexts


def margins_of(score: ScoreTexts, preferences: Sequence[Preference]) -> Floats:
    """[pairs] score of `chosen` minus score of `rejected`."""
    prompts = [pair.prompt for pair in preferences]
    chosen = score(prompts, [pair.chosen for pair in preferences])
    rejected = score(prompts, [pair.rejected for pair in preferences])
    return np.asarray(chosen, dtype=np.float64) - np.asarray(rejected, dtype=np.float64)
