"""What people prefer whatever the answers say: the one that is shown first, the one that is longer.

People honestly prefer somewhat longer answers, since they do say more, so a share is held against a limit and not
against one half. In a small batch chance alone goes beyond it: of 30 votes that are for the longer answer 60 % of the
time each, 22 or more are in 9 batches of 100. So what counts is whether the limit is passed beyond chance, by the exact
binomial test (Clopper and Pearson 1934): so many votes for the longer answer, or more, are likely with probability
FALSE_ALARM at most where nobody prefers it more often than the limit allows.

Votes of several people on one pair are not independent: they look at the same two answers. They count as
n = (sum w) ** 2 / sum w ** 2 votes, w the votes on each pair (Kish 1965, Survey Sampling, section 11.2): all of them
where each pair has one, and one a pair where each has as many.
"""

from __future__ import annotations

import polars as pl

from components.feedback.draft import FIRST, TIE
from components.feedback.quality.findings import Figures, Finding, finding
from components.feedback.quality.proportions import at_least, interval, rounded
from components.feedback.reasons import Reason

#: LENGTH_BIAS is a tag from so many decided votes, and beyond chance above this share of longer answers preferred.
LEAST_VOTES, MOST_LONGER = 20, 0.7
#: The chance of a tag in a batch where nobody prefers more longer answers than that: half of it is the whole batch's,
#: the other half is shared by its annotators (Bonferroni).
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
    """`order_known`; of decided votes their number `votes`, as how many `independent` ones they count, the share
    `first` of answers shown first that were preferred, with `first_ci`, and `by_annotator`: the same with `annotator`.
    Nulls without an order."""
    known = order_known(votes)
    decided = votes.filter(pl.col("given").is_not_null() & (pl.col("given") != TIE) & known)
    return {"order_known": known, **_shares(decided.with_columns(hit=pl.col("given") == FIRST), "first")}


def length_figures(votes: pl.DataFrame) -> Figures:
    """Of decided votes on answers of different length (in characters) their number `votes`, as how many `independent`
    ones they count, the share `longer` of the longer ones preferred, with `longer_ci`, and `by_annotator`: the same
    with `annotator`."""
    return _shares(votes.filter(pl.col("longer").is_not_null()).with_columns(hit="longer"), "longer")


def length_findings(figures: Figures) -> list[Finding]:
    """LENGTH_BIAS, a tag: of the whole batch, and of each annotator, who are above the limit beyond chance."""
    whole = {name: value for name, value in figures.items() if name != "by_annotator"}
    people = figures["by_annotator"]
    found = [_length_finding("the longer answer is preferred", whole)] if _too_often(whole, 1) else []
    for person in people:
        if _too_often(person, len(people)):
            found.append(_length_finding(f"{person['annotator']!a} prefers the longer answer", person))
    return found


def _too_often(share: Figures, asked: int) -> bool:
    """Whether the longer answer is preferred beyond the limit and chance, where `asked` such questions are."""
    if share["votes"] < LEAST_VOTES:
        return False
    count = share["independent"]
    return bool(at_least(count * share["longer"], count, MOST_LONGER) * asked < FALSE_ALARM / 2)


def _length_finding(what: str, share: Figures) -> Finding:
    return finding(
        Reason.LENGTH_BIAS, f"{what} {share['longer']:.1%} of the time ({share['votes']:,} votes)", share
    )


#: As how many independent votes the votes on some pairs count.
_INDEPENDENT = pl.len() ** 2 / (pl.col("item").unique_counts().cast(pl.Int64) ** 2).sum()


def _shares(decided: pl.DataFrame, name: str) -> Figures:
    measured = {"votes": pl.len(), "independent": _INDEPENDENT, "share": pl.col("hit").mean()}
    people = (
        decided.filter(pl.col("annotator").is_not_null())
        .group_by("annotator")
        .agg(**measured)
        .sort(["votes", "annotator"], descending=[True, False])
        .head(MOST_ANNOTATORS)
    )
    by_annotator = [
        {"annotator": row["annotator"], **_share(row, name)} for row in people.iter_rows(named=True)
    ]
    return {**_share(decided.select(**measured).row(0, named=True), name), "by_annotator": by_annotator}


def _share(row: Figures, name: str) -> Figures:
    """A row of votes, independent (NaN of no votes) and share as it is told."""
    return {
        "votes": row["votes"],
        "independent": rounded(row["independent"], 1),
        name: rounded(row["share"]),
        f"{name}_ci": interval(row["share"], row["independent"]),
    }
