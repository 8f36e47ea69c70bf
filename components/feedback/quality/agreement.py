"""Do people who judge the same thing agree?

On a pair two equal votes agree, a tie agrees half with a preference, and opposite preferences don't: coins agree
on one half whether they know ties or not. The batch's agreement is the mean over pairs of the mean over the pair's
votes two by two. A batch is held when all of its 95 % interval (Wilson, one pair one observation) lies below the
limit, so that few pairs hold nothing by bad luck.
"""

from __future__ import annotations

import math
from typing import Literal

import krippendorff
import numpy as np
import polars as pl

from components.feedback.quality.findings import Figures, Finding, finding
from components.feedback.quality.proportions import interval, rounded, wilson
from components.feedback.reasons import Reason

#: Fewer pairs that two people judged say nothing about a batch.
LEAST_ITEMS = 20
#: Kappa is given for two annotators who share so many items, for so many couples, and not on an item with more votes;
#: it is of about so many votes.
LEAST_SHARED, MOST_COUPLES, MOST_VOTES, KAPPA_VOTES = 20, 100, 50, 200_000
#: Alpha needs this many numbers at most for each item and two values; it is of so many items as fit.
_ALPHA_CELLS = 1_000_000
_LEVELS_OF_RATINGS = 101

#: A pair's labels seen from the answer that its first row shows first: chance is reckoned from what people said.
_AS_FIRST_SHOWN = (
    pl.when(pl.col("swapped").first().over("item")).then(1 - pl.col("label")).otherwise(pl.col("label"))
)


def agreement_figures(votes: pl.DataFrame) -> Figures:
    """By kind of vote: `items` judged twice or more, `votes` on them, `alpha` (Krippendorff's; nominal, of ratings
    interval); of pairs and thumbs `agreement` with `agreement_ci`, and `exact`, in which a tie agrees with ties
    alone; of pairs `kappa`: {annotators, items, kappa} of couples of annotators."""
    figures: Figures = {}
    votes = votes.select("kind", "item", "annotator", label=_AS_FIRST_SHOWN)
    for (kind,), given in votes.sort("kind").group_by("kind", maintain_order=True):
        shared = given.filter(pl.len().over("item") > 1)
        figures[str(kind)] = _rating_figures(shared) if kind == "rating" else _label_figures(shared)
        if kind == "pairwise":
            figures["pairwise"]["kappa"] = _kappas(shared)
    return figures


def agreement_findings(figures: Figures, least: float) -> list[Finding]:
    """AGREEMENT, where two people agree on fewer pairs than `least` beyond doubt."""
    pairs = figures.get("pairwise")
    if not pairs or pairs["items"] < LEAST_ITEMS:
        return []
    lower, upper = wilson(pairs["agreement"], pairs["items"])
    if upper >= least:
        return []
    message = (
        f"two votes on one pair agree {pairs['agreement']:.1%} of the time (95 % interval {lower:.1%} to {upper:.1%}, "
        f"{pairs['items']:,} pairs judged twice or more), below {least:.0%}"
    )
    return [
        finding(
            Reason.AGREEMENT, message, {name: pairs[name] for name in ("items", "agreement", "agreement_ci")}
        )
    ]


def _label_figures(shared: pl.DataFrame) -> Figures:
    counts = _counts(shared, [1.0, 0.5, 0.0])
    first, tie, second = counts.T
    votes = counts.sum(axis=1)
    couples = votes * (votes - 1) / 2
    same = sum(part * (part - 1) / 2 for part in (first, tie, second))
    half = tie * (first + second)
    agreement = float(np.mean((same + half / 2) / couples)) if len(counts) else None
    return {
        "items": len(counts),
        "votes": int(votes.sum()),
        "alpha": _alpha(counts, np.array([1.0, 0.5, 0.0]), "nominal"),
        "agreement": rounded(agreement),
        "agreement_ci": interval(agreement, len(counts)),
        "exact": rounded(float(np.mean(same / couples))) if len(counts) else None,
    }


def _rating_figures(shared: pl.DataFrame) -> Figures:
    levelled = shared.with_columns(
        (pl.col("label") * (_LEVELS_OF_RATINGS - 1)).round() / (_LEVELS_OF_RATINGS - 1)
    )
    values = levelled["label"].unique().sort().to_list()
    counts = _counts(levelled, values)
    return {
        "items": len(counts),
        "votes": int(counts.sum()),
        "alpha": _alpha(counts, np.array(values), "interval"),
    }


def _counts(shared: pl.DataFrame, values: list[float]) -> np.ndarray:
    """How many votes [items, values] of each value each item has; items in the order of their hashes."""
    if shared.is_empty():
        return np.zeros((0, len(values)), dtype=np.int64)
    counted = shared.group_by("item").agg(
        (pl.col("label") == value).sum().alias(str(value)) for value in values
    )
    return counted.sort("item").drop("item").to_numpy().astype(np.int64)


def _alpha(counts: np.ndarray, values: np.ndarray, level: Literal["nominal", "interval"]) -> float | None:
    counts = counts[: max(1, _ALPHA_CELLS // len(values) ** 2)] if len(values) else counts
    if (counts.sum(axis=0) > 0).sum() < 2:
        # Of one value alone nobody can say what chance would have done.
        return None
    order = np.argsort(values)
    found = krippendorff.alpha(
        value_counts=counts[:, order], value_domain=values[order], level_of_measurement=level
    )
    return rounded(float(found))


def _kappas(shared: pl.DataFrame) -> list[Figures]:
    """Cohen's kappa of couples of annotators, those who share most items first."""
    part = pl.col("item").hash(seed=3) % 1000 < 1000 * KAPPA_VOTES / max(1, shared.height)
    named = shared.filter(part & pl.col("annotator").is_not_null() & (pl.len().over("item") <= MOST_VOTES))
    votes = named.unique(["item", "annotator"], keep="first", maintain_order=True).select(
        "item", "annotator", "label"
    )
    table = (
        votes.join(votes, on="item")
        .filter(pl.col("annotator") < pl.col("annotator_right"))
        .group_by("annotator", "annotator_right", "label", "label_right")
        .len()
    )
    couples = table.with_columns(items=pl.col("len").sum().over("annotator", "annotator_right"))
    busy = couples.filter(pl.col("items") >= LEAST_SHARED).sort(
        ["items", "annotator", "annotator_right", "label", "label_right"],
        descending=[True, False, False, False, False],
    )
    grouped = busy.group_by("annotator", "annotator_right", maintain_order=True)
    return [_kappa(names, cells) for names, cells in grouped][:MOST_COUPLES]


def _kappa(names: tuple[object, ...], cells: pl.DataFrame) -> Figures:
    labels = [(cells[column] * 2).cast(pl.Int64).to_numpy() for column in ("label", "label_right")]
    constant = all(len(np.unique(column)) == 1 for column in labels)
    kappa = math.nan if constant else _cohens(labels, cells["len"].to_numpy())
    return {"annotators": list(names), "items": int(cells["items"][0]), "kappa": rounded(kappa)}


def _cohens(labels: list[np.ndarray], counts: np.ndarray) -> float:
    # Seconds to import, and few batches have such couples.
    from sklearn.metrics import cohen_kappa_score

    return float(cohen_kappa_score(*labels, sample_weight=counts))
