"""Is the batch one person's taste?

A share of the judgements above the limit is much only where it is more than an equal share would be: of two people
who share the work each has one half, and of PandaLM's three, who all judge every pair, each has a third. So somebody
dominates with more than the limit and with more than UNEQUAL times an equal share. One person alone dominates.

In a small batch chance makes somebody busy: of 30 judgements by five people who do as much each, the busiest gave
more than 30 % in three batches of ten. So it is not the share that is held against the limits but the least that chance
leaves of it, Wilson's lower bound (quality/proportions.py): 47 % of 30 judgements, 39 % of 100, 33 % of 1,000.
"""

from __future__ import annotations

import polars as pl

from components.feedback.quality.biases import MOST_ANNOTATORS
from components.feedback.quality.findings import Figures, Finding, finding
from components.feedback.quality.proportions import rounded, wilson
from components.feedback.reasons import Reason

UNEQUAL = 1.5
#: In a smaller batch a large share is a handful of judgements.
LEAST_JUDGEMENTS = 20


def dominance_figures(voices: pl.DataFrame) -> Figures:
    """`judgements`, `nameless` of them, how many `people` have a name, and `annotators`: {annotator, judgements,
    share}, the busiest first."""
    people = (
        voices.filter(pl.col("annotator").is_not_null())
        .group_by("annotator")
        .agg(pl.len().alias("judgements"))
        .sort(["judgements", "annotator"], descending=[True, False])
    )
    return {
        "judgements": voices.height,
        "nameless": voices["annotator"].null_count(),
        "people": people.height,
        "annotators": [
            {**row, "share": rounded(row["judgements"] / voices.height)}
            for row in people.head(MOST_ANNOTATORS).iter_rows(named=True)
        ],
    }


def dominance_findings(figures: Figures, most: float) -> list[Finding]:
    """DOMINANT, of the busiest annotator; its figures also have `people` and `share_at_least`, beyond chance."""
    count, people = figures["judgements"], figures["people"]
    if count < LEAST_JUDGEMENTS or not figures["annotators"]:
        return []
    busiest = figures["annotators"][0]
    share = busiest["judgements"] / count
    at_least, _ = wilson(share, count)
    if at_least <= most or (people > 1 and at_least <= UNEQUAL / people):
        return []
    message = (
        f"{busiest['annotator']!a} gave {busiest['judgements']:,} of {count:,} judgements "
        f"({share:.1%}, and {at_least:.1%} or more beyond what chance does), more than {most:.0%}; "
        f"{people} annotators are named"
    )
    figures_of = busiest | {"people": people, "share_at_least": rounded(at_least)}
    return [finding(Reason.DOMINANT, message, figures_of)]
