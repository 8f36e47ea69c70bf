"""Is the batch one person's taste?

A share of the judgements above the limit is much only where it is more than an equal share would be: of two people
who share the work each has one half, and of PandaLM's three, who all judge every pair, each has a third. So somebody
dominates with more than the limit and with more than UNEQUAL times an equal share. One person alone dominates.
"""

from __future__ import annotations

import polars as pl

from components.feedback.quality.biases import MOST_ANNOTATORS
from components.feedback.quality.findings import Figures, Finding, finding
from components.feedback.quality.proportions import rounded
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
    """DOMINANT, of the busiest annotator."""
    if figures["judgements"] < LEAST_JUDGEMENTS or not figures["annotators"]:
        return []
    busiest, people = figures["annotators"][0], figures["people"]
    share = busiest["judgements"] / figures["judgements"]
    if share <= most or (people > 1 and share <= UNEQUAL / people):
        return []
    message = (
        f"{busiest['annotator']!a} gave {busiest['judgements']:,} of {figures['judgements']:,} judgements "
        f"({share:.1%}), more than {most:.0%}; {people} annotators are named"
    )
    return [finding(Reason.DOMINANT, message, busiest | {"people": people})]
