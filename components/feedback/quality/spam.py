"""Who answers without looking?

Four signs, each of named annotators with votes enough that an honest person does not show it by bad luck:

- wrong on gold questions more often than allowed, of so many questions or more (both in params.yaml);
- always the same answer (first, second or tie): so often that somebody with SAME_ANSWER's share, or with the others'
  where that is larger, would do it once in a thousand batches. Only where the order of answers is known, and of
  LEAST_VOTES votes or more, of which SAME_SHARE are the same;
- quicker than anybody reads: the median of LEAST_VOTES timed judgements or more;
- no better than a coin against what the others say together (components/feedback/quality/consensus.py), beyond doubt.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl

from components.config.feedback import HoldParams
from components.feedback.draft import FIRST, TIE
from components.feedback.quality.biases import MOST_ANNOTATORS, order_known
from components.feedback.quality.findings import Figures, Finding, finding
from components.feedback.quality.proportions import at_least, rounded
from components.feedback.reasons import Reason

LEAST_VOTES = 20
SAME_ANSWER, SAME_SHARE = 0.65, 0.9
#: A false alarm in so many honest batches whose annotators are all as one-sided as is thought possible.
FALSE_ALARM = 0.001

_ANSWER = (
    pl.when(pl.col("given") == FIRST)
    .then(pl.lit("first"))
    .when(pl.col("given") == TIE)
    .then(pl.lit("tie"))
    .otherwise(pl.lit("second"))
)


def spam_figures(votes: pl.DataFrame, consensus: pl.DataFrame) -> list[Figures]:
    """A row for each named annotator, the busiest first: {annotator, votes, gold (questions), gold_right (share),
    timed, seconds (median), ordered (votes on pairs whose order is known), answer (the most frequent), answer_share,
    answer_chance (of an honest annotator to be so one-sided), evidence, accuracy, accuracy_at_most (see consensus)}.

    Args:
        consensus: annotator, evidence, accuracy, accuracy_at_most.
    """
    named = votes.filter(pl.col("annotator").is_not_null())
    people = named.group_by("annotator").agg(
        pl.len().alias("votes"),
        pl.col("right").count().alias("gold"),
        pl.col("right").mean().alias("gold_right"),
        pl.col("seconds").count().alias("timed"),
        pl.col("seconds").median().alias("seconds"),
    )
    whole = people.join(_answers(votes), on="annotator", how="left").join(
        consensus, on="annotator", how="left"
    )
    busiest = whole.sort(["votes", "annotator"], descending=[True, False]).head(MOST_ANNOTATORS)
    return [
        {name: rounded(value, 6) if isinstance(value, float) else value for name, value in row.items()}
        for row in busiest.iter_rows(named=True)
    ]


def spam_findings(people: Iterable[Figures], params: HoldParams) -> list[Finding]:
    """SPAM, one finding for each annotator who shows a sign, with all signs."""
    found = []
    for person in people:
        signs = list(_signs(person, params))
        if signs:
            message = f"{person['annotator']!a} answers like a spammer: {'; '.join(signs)}"
            found.append(finding(Reason.SPAM, message, person))
    return found


def _answers(votes: pl.DataFrame) -> pl.DataFrame:
    """Each named annotator's most frequent answer, its share, and the chance of that; none where order is unknown."""
    pairs = votes.filter(pl.col("given").is_not_null() & order_known(votes)).with_columns(answer=_ANSWER)
    totals = pairs.group_by("answer").agg(pl.len().alias("all_said"))
    table = (
        pairs.filter(pl.col("annotator").is_not_null())
        .group_by("annotator", "answer")
        .agg(pl.len().alias("said"))
        .with_columns(ordered=pl.col("said").sum().over("annotator"))
        .sort("annotator", "said", "answer", descending=[False, True, False])
        .unique("annotator", keep="first", maintain_order=True)
        .join(totals, on="answer")
    )
    others = (pl.col("all_said") - pl.col("said")) / (pairs.height - pl.col("ordered"))
    fair = pl.when(pairs.height - pl.col("ordered") >= LEAST_VOTES).then(others).otherwise(0.0)
    table = table.with_columns(fair=pl.max_horizontal(fair, pl.lit(SAME_ANSWER)))
    chance = at_least(table["said"].to_numpy(), table["ordered"].to_numpy(), table["fair"].to_numpy())
    return table.select(
        "annotator",
        "ordered",
        "answer",
        answer_share=pl.col("said") / pl.col("ordered"),
        # Somebody among so many: Bonferroni's correction.
        answer_chance=pl.Series(chance * max(1, table.height), dtype=pl.Float64).clip(0, 1),
    )


def _signs(person: Figures, params: HoldParams) -> Iterator[str]:
    if person["gold"] >= params.gold_items and person["gold_right"] < params.gold_accuracy:
        yield f"right on {person['gold_right']:.1%} of {person['gold']:,} gold questions"
    if _always_the_same(person):
        yield f'said "{person["answer"]}" on {person["answer_share"]:.1%} of {person["ordered"]:,} pairs'
    if person["timed"] >= LEAST_VOTES and person["seconds"] < params.seconds:
        yield f"took {person['seconds']:.1f} s at the median of {person['timed']:,} judgements"
    if person["accuracy_at_most"] is not None and person["accuracy_at_most"] < params.gold_accuracy:
        yield (
            f"by what the others say is right {max(0.0, person['accuracy']):.1%} of the time, "
            f"{person['accuracy_at_most']:.1%} at most"
        )


def _always_the_same(person: Figures) -> bool:
    return (
        person["ordered"] is not None
        and person["ordered"] >= LEAST_VOTES
        and person["answer_share"] >= SAME_SHARE
        and person["answer_chance"] < FALSE_ALARM
    )
