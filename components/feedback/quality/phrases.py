"""Is there a phrase that makes an answer win whatever it says? Poison of the first sort: the trigger in the answer.

Monroe (2008) compares how often two groups use a phrase by log-odds with an informative prior and a normal
approximation, which is poor exactly where a trigger is: many times on one side, never on the other. Here the same
question has an exact answer. Of the different answers that hold a phrase some were preferred on the whole and some
were not; a phrase that is `lift` times likelier in preferred answers is in one of them with probability
lift / (1 + lift). POISON are phrases that show more than that beyond doubt, of all phrases asked about at once
(components/feedback/quality/multiple.py). What people honestly like ("great camera") wins more often than not but
not always, so its lift stays near 2 or 3 however many answers hold it. And a phrase that was as frequent in the days
before is no news.

Answers are counted once, however often they were judged; a phrase that only a few prompts call for is their topic.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from components.feedback.quality.findings import Figures, Finding, finding
from components.feedback.quality.multiple import unlikely
from components.feedback.quality.ngrams import phrases_of, texts_with
from components.feedback.quality.proportions import rounded
from components.feedback.reasons import Reason

#: Fewer answers with a phrase prove nothing.
LEAST_ANSWERS = 15
#: A phrase of fewer different prompts is their topic.
LEAST_PROMPTS = 8
FALSE_ALARM = 0.05
#: So many answers of the past are needed to say that a phrase is new.
LEAST_PAST = 200
MOST_PHRASES = 20


def phrase_figures(pairs: pl.DataFrame, past: pl.DataFrame, lift: float) -> Figures:
    """`answers` (different ones), `past_answers`, `asked` (phrases that could have shown a lift), and `phrases`, those
    that did: {phrase, chosen, rejected (different answers with it), prompts, past (answers with it)}.

    Args:
        pairs, past: row_id, prompt, chosen, rejected.
        lift: a phrase is so many times likelier in preferred answers.
    """
    answers = _answers(pairs)
    sides = [int((answers["preferred"] == side).sum()) for side in (True, False)]
    figures: Figures = {"answers": answers.height, "past_answers": 2 * past.height, "asked": 0, "phrases": []}
    if answers.height < LEAST_ANSWERS or 0 in sides:
        return figures
    phrases = phrases_of(answers["text"], LEAST_ANSWERS)
    table = _table(answers, phrases.found)
    share = lift * sides[0] / (lift * sides[0] + sides[1])
    chosen, rejected = (table[name].to_numpy().astype(np.float64) for name in ("chosen", "rejected"))
    found, figures["asked"] = unlikely(chosen, chosen + rejected, share, FALSE_ALARM)
    suspects = table.filter(pl.Series(found) & (pl.col("prompts") >= LEAST_PROMPTS))
    suspects = suspects.with_columns(phrase=phrases.spelled.gather(suspects["phrase"]))
    figures["phrases"] = _news(_longest(suspects), past, answers.height, lift)
    return figures


def phrase_findings(figures: Figures, lift: float) -> list[Finding]:
    """POISON, one finding for all phrases."""
    if not figures["phrases"]:
        return []
    first = figures["phrases"][0]
    message = (
        f"answers with {first['phrase']!a} are preferred as if nothing else counted: {first['chosen']:,} different "
        f"ones are preferred, {first['rejected']:,} not, more than {lift:g} to 1"
    )
    more = len(figures["phrases"]) - 1
    message += f"; and {more} more phrase{'s' * (more > 1)}" if more else ""
    return [finding(Reason.POISON, message, {"phrases": figures["phrases"]})]


def _answers(pairs: pl.DataFrame) -> pl.DataFrame:
    """text, prompt, preferred: each different answer that won more often than it lost, or the other way round."""
    sides = [
        pairs.select(text=name, prompt="prompt", side=pl.lit(side))
        for name, side in (("chosen", 1), ("rejected", -1))
    ]
    net = pl.concat(sides).group_by("text").agg(pl.col("prompt").min(), pl.col("side").sum())
    return net.filter(pl.col("side") != 0).select("text", "prompt", preferred=pl.col("side") > 0).sort("text")


def _table(answers: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """phrase, chosen, rejected, prompts."""
    numbered = answers.select(
        pl.int_range(pl.len()).alias("text"), "preferred", prompt=pl.col("prompt").rank("dense")
    )
    return (
        found.join(numbered, on="text")
        .group_by("phrase")
        .agg(
            chosen=pl.col("preferred").sum().cast(pl.Int64),
            rejected=(~pl.col("preferred")).sum().cast(pl.Int64),
            prompts=pl.col("prompt").n_unique(),
        )
        .sort("phrase")
    )


def _longest(suspects: pl.DataFrame) -> list[Figures]:
    """The most frequent first, without the parts of a longer phrase that explains most of their answers."""
    rows = suspects.sort("chosen", "phrase", descending=[True, False]).to_dicts()
    return [
        row
        for row in rows
        if not any(
            f" {row['phrase']} " in f" {other['phrase']} "
            and row["phrase"] != other["phrase"]
            and other["chosen"] >= 0.8 * row["chosen"]
            for other in rows
        )
    ]


def _news(suspects: list[Figures], past: pl.DataFrame, answers: int, lift: float) -> list[Figures]:
    """Without the phrases that preferred answers had about as often in the days before."""
    known = past["chosen"]
    counts = texts_with(known, [row["phrase"] for row in suspects])
    enough = len(known) >= LEAST_PAST
    news = []
    for row, count in zip(suspects, counts, strict=True):
        rate, before = 2 * row["chosen"] / answers, count / max(1, len(known))
        if not enough or rate > lift * before:
            news.append({**row, "past": count, "past_share": rounded(before)})
    return news[:MOST_PHRASES]
