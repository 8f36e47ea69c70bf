"""Ways to turn votes into the probability that the first answer is the better one."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable

import polars as pl

from components.feedback.quality.reliability import reliability

#: Votes (item, annotator, label) -> item, probability.
Method = Callable[[pl.DataFrame], pl.DataFrame]
#: Classes of crowd-kit 1.4, compared where it is installed. Wawa and MMSR fail beside scikit-learn 1.9, GLAD is slow.
CROWD_KIT = ("OneCoinDawidSkene", "DawidSkene", "MACE")


def majority(votes: pl.DataFrame) -> pl.DataFrame:
    """The votes' own mean."""
    return votes.group_by("item").agg(probability=pl.col("label").mean())


def weighted(votes: pl.DataFrame) -> pl.DataFrame:
    return reliability(votes).items


def _of_crowd_kit(name: str) -> Method:
    def method(votes: pl.DataFrame) -> pl.DataFrame:
        module = importlib.import_module("crowdkit.aggregation.classification")
        table = votes.select(task="item", worker="annotator", label="label").to_pandas()
        found = getattr(module, name)().fit_predict_proba(table)
        share = found.get(1.0, 0.0) + 0.5 * found.get(0.5, 0.0)
        return pl.DataFrame({"item": found.index.to_list(), "probability": share.to_numpy()})

    return method


METHODS: dict[str, Method] = {"majority": majority, "weighted": weighted}
if importlib.util.find_spec("crowdkit"):
    METHODS |= {f"crowd-kit {name}": _of_crowd_kit(name) for name in CROWD_KIT}
