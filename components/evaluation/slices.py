"""A reward model's accuracy in parts of the held-out pairs, beside that of preferring the longer answer there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from components.evaluation.accuracy import Accuracy, accuracy_by, aligned, length_margins
from components.evaluation.intervals import DEFAULT_BOOTSTRAP, Bootstrap, number
from components.pages.pseudonyms import pseudonyms
from components.records import Preference

#: Annotators shown at most: those with the most judgements.
MOST_ANNOTATORS = 50


@dataclass(frozen=True)
class Slice:
    """One part of the pairs, such as those of one source."""

    accuracy: Accuracy
    longer_wins: Accuracy

    def figures(self) -> dict[str, Any]:
        """As metrics.json holds it."""
        return {
            **self.accuracy.figures("accuracy"),
            "pairs": self.accuracy.pairs,
            "longer_wins_accuracy": number(self.longer_wins.value),
        }


def slices_by(
    group_of: Callable[[Preference], str],
    margins: npt.ArrayLike,
    preferences: Sequence[Preference],
    bootstrap: Bootstrap = DEFAULT_BOOTSTRAP,
) -> dict[str, Slice]:
    """The slice of each group, by the group's name in order.

    Args:
        margins: [pairs], as `accuracy.pairwise_accuracy`.
    """
    ours = accuracy_by(group_of, margins, preferences, bootstrap)
    longer = accuracy_by(group_of, length_margins(preferences), preferences, bootstrap)
    return {name: Slice(found, longer[name]) for name, found in ours.items()}


def slices_by_annotator(
    margins: npt.ArrayLike, preferences: Sequence[Preference], bootstrap: Bootstrap = DEFAULT_BOOTSTRAP
) -> dict[str, Slice]:
    """How often the margins agree with what each named person said, whatever others said of the same pair.

    Who agrees with the model as often as a coin does, did not read, or sees things the model does not. People stand
    under pseudonyms here: figures go into reports and to MLflow.
    """
    margins = aligned(margins, preferences)
    shown = pseudonyms(_busiest(preferences))
    places, judged = [], []
    for place, pair in enumerate(preferences):
        for opinion in pair.opinions:
            if opinion.annotator in shown:
                opinion = replace(opinion, annotator=shown[opinion.annotator])
                places.append(place)
                judged.append(
                    replace(pair, probability=opinion.vote, weight=opinion.weight, opinions=(opinion,))
                )
    return slices_by(_annotator_of, margins[np.array(places, dtype=np.intp)], judged, bootstrap)


def _busiest(preferences: Sequence[Preference]) -> set[str]:
    names = Counter(opinion.annotator for pair in preferences for opinion in pair.opinions)
    ranked = sorted((name for name in names if name is not None), key=lambda name: (-names[name], name))
    return set(ranked[:MOST_ANNOTATORS])


def _annotator_of(pair: Preference) -> str:
    return pair.opinions[0].annotator or ""
