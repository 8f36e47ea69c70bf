"""What people prefer whatever the answers say: the one that is shown first, the one that is longer.

People honestly prefer somewhat longer answers, since they do say more, so a share is held against a limit and not
against one half. In a small batch chance alone goes beyond it: of 30 votes that are for the longer answer 60 % of the
time each, 22 or more are in 9 batches of 100. So what counts is whether the limit is passed beyond chance, by the exact
binomial test (Clopper and Pearson 1934): so many votes for the longer answer, or more, are likely with probability
FALSE_ALARM at most where nobody prefers it more often than the limit allows.

Votes of several people on one pair are not independent: they look at the same two answers. n votes count as n / d
of them, where the design effect d is by how much more the pairs' votes vary than independent ones would (Rao and Scott
1992): 1 where people who share a pair agree no more than others, and the size of the pairs where they are of one mind.
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
    """`order_known`; of decided votes their number `votes` and the share `first` of answers shown first that were
    preferred, with `first_ci`, and `by_annotator`: {annotator, votes, first, first_ci}. Nulls without an order."""
    known = order_known(votes)
    decided = votes.filter(pl.col("given").is_not_null() & (pl.col("given") != TIE) & known)
    return {"order_known": known, **_shares(decided.with_columns(hit=pl.col("given") == FIRST), "first")}


def length_figures(votes: pl.DataFrame) -> Figures:
    """Of decided votes on answers of different length (in characters) their number `votes`, as how many `independent`
    ones they count, the share `longer` of the longer ones preferred, with `longer_ci`, and `by_annotator`: {annotator,
    votes, longer, longer_ci}."""
    decided = votes.filter(pl.col("longer").is_not_null()).with_columns(hit="longer")
    return {"independent": rounded(_independent(decided), 1), **_shares(decided, "longer")}


def length_findings(figures: Figures) -> list[Finding]:
    """LENGTH_BIAS, a tag: of the whole batch, and of each annotator, who are above the limit beyond chance."""
    whole = {name: value for name, value in figures.items() if name != "by_annotator"}
    found = []
    if _too_often(whole, whole["independent"], 1):
        found.append(_length_finding("the longer answer is preferred", whole))
    for person in figures["by_annotator"]:
        # Nobody judges a pair twice: one person's votes are independent.
        if _too_often(person, person["votes"], len(figures["by_annotator"])):
            found.append(_length_finding(f"{person['annotator']!a} prefers the longer answer", person))
    return found


def _too_often(share: Figures, count: float, asked: int) -> bool:
    """Whether the longer answer is preferred beyond the limit and chance, where `asked` such questions are.

    Args:
        count: of independent votes.
    """
    if share["votes"] < LEAST_VOTES:
        return False
    return bool(at_least(count * share["longer"], count, MOST_LONGER) * asked < FALSE_ALARM / 2)


def _independent(decided: pl.DataFrame) -> float:
    """As how many independent votes those on the pairs count; `hit` is what each of them says."""
    pairs = decided.group_by("item").agg(votes=pl.len().cast(pl.Float64), hits=pl.col("hit").sum())
    votes, hits, count = pairs["votes"].to_numpy(), pairs["hits"].to_numpy(), decided.height
    share = hits.sum() / max(1, count)
    alike = float((votes**2).sum() / max(1, count))
    if share in (0.0, 1.0) or len(votes) < 2:
        # Nothing varies: they may be of one mind.
        return count / max(1.0, alike)
    between = ((hits - votes * share) ** 2).sum() * len(votes) / (len(votes) - 1)
    return count / min(alike, max(1.0, float(between / (count * share * (1 - share)))))


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
