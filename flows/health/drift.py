"""Whether people's newest judgements still agree with the reward model of production."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from components.choosing.tasks import INFORMATIVE
from components.config import load_params
from components.evaluation.accuracy import pairwise_accuracy
from components.evaluation.intervals import number
from components.feedback.automatic.names import BY_PEOPLE
from components.feedback.comparisons import compare_all
from components.feedback.preferences import aggregate
from components.feedback.store import FEEDBACK, accepted_manifests, scan_rows
from components.files import read_json
from components.records import Preference
from components.tracking.loading import LoadedVersion, load_version
from components.tracking.overview import look
from components.tracking.tracker import connect

#: The newest rows, so that measuring takes a CPU seconds; enough for an interval of a few points.
MOST_ROWS = 2000


@dataclass(frozen=True)
class Drift:
    """How often production's reward model ranks new pairs as people did.

    Attributes:
        accuracy, lower, upper: on new pairs, with the ends of its 95 % interval over prompts.
        pairs: how many, ties left out.
        at_evaluation: on held-out pairs, when the champion was evaluated.
    """

    accuracy: float
    lower: float
    upper: float
    pairs: int
    at_evaluation: float

    def told(self) -> str:
        return (
            f"production's reward model is right on {self.accuracy:.1%} [{self.lower:.1%}, {self.upper:.1%}] of "
            f"{self.pairs} new pairs, at its evaluation on {self.at_evaluation:.1%}"
        )


def measure_drift(root: Path) -> Drift | None:
    """Score the accepted pairs that the champion did not learn from; None where there is nothing to measure.

    Raises:
        RegistryError: MLflow cannot be reached.
        ModelError: the champion's files are not those that were registered.
    """
    champion = look(root).champion
    if champion is None:
        return None
    pairs = _new_pairs(root, set(champion["feedback_batches"]))
    version = load_version(connect(root), "champion")
    expected = _accuracy_at_evaluation(version)
    if not pairs or expected is None:
        return None
    # torch comes with them: seconds that a run which measures nothing should not pay.
    from components.stages.margins import margins_of
    from components.training.scoring import load_scorer

    found = pairwise_accuracy(margins_of(load_scorer(version.reward), pairs), pairs)
    if number(found.value) is None:
        return None
    return Drift(found.value, found.lower, found.upper, found.pairs, expected)


def _new_pairs(root: Path, learned: set[str]) -> list[Preference]:
    new = [batch.batch for batch in accepted_manifests(root / "data") if batch.batch not in learned]
    rows = list(_newest_rows(root / "data" / FEEDBACK, list(reversed(new))))
    comparisons = (each for each in compare_all(rows) if each.first != each.second)
    return aggregate(comparisons, load_params(root / "params.yaml").prepare.judge_share)


def _newest_rows(room: Path, batches: Sequence[str]) -> Iterator[dict[str, Any]]:
    left = MOST_ROWS
    for batch in batches:
        rows = scan_rows(room / batch).filter(BY_PEOPLE & is_fair()).head(left).collect()
        left -= rows.height
        yield from (row | {"batch": batch} for row in rows.iter_rows(named=True))
        if left <= 0:
            return


def is_fair() -> pl.Expr:
    """Not of a pair that was chosen because the reward model is unsure of it: there it is wrong more often."""
    # Our own page gives each judgement an id; from Argilla and Label Studio it comes back under the pair's.
    names = (pl.col("meta").str.json_path_match("$.task"), pl.col("row_id"))
    return ~pl.any_horizontal(name.fill_null("").str.starts_with(INFORMATIVE) for name in names)


def _accuracy_at_evaluation(version: LoadedVersion) -> float | None:
    path = version.folder.parent / "evaluation/metrics.json"
    measured = read_json(path).get("reward_model", {}) if path.exists() else {}
    return number(measured.get("accuracy"))
