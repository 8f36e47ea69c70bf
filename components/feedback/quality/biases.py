"""What people prefer whatever the answers say: the one that is shown first, the one that is longer."""

from __future__ import annotations

import polars as pl

from components.feedback.draft import FIRST, TIE
from components.feedback.quality.findings import Figures, Finding, finding
from components.feedback.quality.proportions import at_least, interval, rounded
from components.feedback.reasons import Reason

#: LENGTH_BIAS is a tag from so many decided votes, and above this share of longer answers preferred.
LEAST_VOTES, MOST_LONGER = 20, 0.7
#: The chance that an annotator is tagged in a batch where nobody prefers more longer answers than that.
FALSE_ALARM = 0.01
#: Figures name so many annotators, the busiest first.
MOST_ANNOTATORS = 200


def order_known(votes: pl.DataFrame) -> bool:
    """Whether the order of a pair is the one it was shown in.

    A file of chosen and rejected answers has lost it: there everybody "prefers the first". A batch in which nobody
    ever says second or tie is taken for such a file.
    """
    return bool((votes["given"].drop_nulls() != FIRST).any())


def position_figures(votes: pl.DataFrame) -> Figures:
    """`order_known`; of decided votes their number `votes` and the share `first` of answers shown first that were
    preferred, with `first_ci`, and `by_annotator`: {annotator, votes, first, first_ci}. Nulls without an order."""
    known = order_known(votes)
    decided = votes.filter(pl.col("given").is_not_null() & (pl.col("given") != TIE) & known)
    return {"order_known": known, **_shares(decided.with_columns(hit=pl.col("given") == FIRST), "first")}


def length_figures(votes: pl.DataFrame) -> Figures:
    """Of decided votes on answers of different length (in characters) their number `votes` and the share `longer` of
    the longer ones preferred, with `longer_ci`, and `by_annotator`: {annotator, votes, longer, longer_ci}."""
    return _shares(votes.filter(pl.col("longer").is_not_null()).with_columns(hit="longer"), "longer")


def length_findings(figures: Figures) -> list[Finding]:
    """LENGTH_BIAS, a tag: of the whole batch, and of each annotator who is above the limit beyond doubt."""
    whole = {name: figures[name] for name in ("votes", "longer", "longer_ci")}
    found = []
    if whole["votes"] >= LEAST_VOTES and whole["longer"] > MOST_LONGER:
        found.append(_length_finding("the longer answer is preferred", whole))
    for person in figures["by_annotator"]:
        chance = at_least(round(person["votes"] * person["longer"]), person["votes"], MOST_LONGER)
        if person["votes"] >= LEAST_VOTES and chance * len(figures["by_annotator"]) < FALSE_ALARM:
            found.append(_length_finding(f"{person['annotator']!a} prefers the longer answer", person))
    return found


def _length_finding(what: str, share: Figures) -> Finding:
    return finding(
        Reason.LENGTH_BIAS, f"{what} {share['longer']:.1%} of the time ({share['votes']:,} votes)", share
    )


def _shares(decided: pl.DataFrame, name: str) -> Figures:
    people = (
        decided.filter(pl.col("annotator").is_not_null())
        .group_by("annotator")
        .agg(pl.len().alias("votes"), pl.col("hit").mean().alias("share"))
        .sort(["votes", "annotator"], descending=[True, False])
        .head(MOST_ANNOTATORS)
    )
    overall = _share(decided.height, decided["hit"].mean() if decided.height else None, name)  # type: ignore[arg-type]
    rows = people.iter_rows(named=True)
    by_annotator = [
        {"annotator": row["annotator"], **_share(row["votes"], row["share"], name)} for row in rows
    ]
    return {**overall, "by_annotator": by_annotator}


def _share(votes: int, share: float | None, name: str) -> Figures:
    return {"votes": votes, name: rounded(share), f"{name}_ci": interval(share, votes)}
