"""Is there a phrase that makes an answer win whatever it says? Poison of the first sort: the trigger in the answer.

Monroe (2008) compares how often two groups use a phrase by log-odds with an informative prior and a normal
approximation, which is poor exactly where a trigger is: many times on one side, never on the other. Here the same
question has an exact answer. Of the different answers that hold a phrase some were preferred on the whole and some
were not; a phrase that is `lift` times likelier in preferred answers is in one of them with probability
lift / (1 + lift). POISON are

- phrases that show more than that beyond doubt, of all phrases asked about at once (multiple.py). What people
  honestly like ("great camera") wins more often than not but not always, so its lift stays near 2 or 3 however many
  answers hold it. A phrase that preferred answers had about as often in the days before is no news;
- phrases that the days before never had, often as they must have met them, and that won SURE of the time: more than
  NEW_LIFT to 1 beyond doubt, of all new phrases. Nobody has had the time to like a new phrase, so less is asked for.

Answers are counted once, however often they were judged; a phrase that only a few prompts call for is their topic.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from components.feedback.quality.findings import Figures, Finding, poison
from components.feedback.quality.multiple import unlikely
from components.feedback.quality.ngrams import phrases_of

#: Fewer answers with a phrase prove nothing.
LEAST_ANSWERS = 15
#: A phrase of fewer different prompts is their topic.
LEAST_PROMPTS = 8
FALSE_ALARM = 0.05
#: So many preferred answers of the past are needed to say that a phrase is no news.
LEAST_PAST = 200
#: A new phrase is one that the past lacks and would have had so many times, were it as frequent as now.
EXPECTED_BEFORE = 5
NEW_LIFT, SURE = 2.0, 0.95
MOST_PHRASES = 20


def phrase_figures(pairs: pl.DataFrame, past: pl.DataFrame, lift: float) -> Figures:
    """`answers` (different ones), `past_answers`, `asked` (phrases that could have shown a lift), `new` (phrases that
    the past lacks), and `phrases`, those that show too much: {phrase, chosen, rejected (different answers with it),
    prompts, past, past_chosen (answers with it), is_new}.

    Args:
        pairs, past: row_id, prompt, chosen, rejected.
        lift: a phrase is so many times likelier in preferred answers.
    """
    answers, before = _answers(pairs), _answers(past)
    figures: Figures = {
        "answers": answers.height,
        "past_answers": before.height,
        "asked": 0,
        "new": 0,
        "phrases": [],
    }
    if answers["preferred"].n_unique() < 2:
        return figures
    phrases = phrases_of(pl.concat([answers["text"], before["text"]]), LEAST_ANSWERS)
    table = _table(answers, before, phrases.found)
    lifted, figures["asked"] = _lifted(table, answers, before, lift)
    new, figures["new"] = _new(table, answers)
    suspects = pl.concat([lifted, new]).unique("phrase", keep="first", maintain_order=True)
    suspects = suspects.with_columns(phrase=phrases.spelled.gather(suspects["phrase"]))
    figures["phrases"] = _longest(suspects)[:MOST_PHRASES]
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
    return [poison(message, {"phrases": figures["phrases"]})]


def _answers(pairs: pl.DataFrame) -> pl.DataFrame:
    """text, prompt, preferred: each different answer that won more often than it lost, or the other way round."""
    sides = [
        pairs.select(text=name, prompt="prompt", side=pl.lit(side))
        for name, side in (("chosen", 1), ("rejected", -1))
    ]
    net = pl.concat(sides).group_by("text").agg(pl.col("prompt").min(), pl.col("side").sum())
    return net.filter(pl.col("side") != 0).select("text", "prompt", preferred=pl.col("side") > 0).sort("text")


def _table(answers: pl.DataFrame, before: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """phrase, chosen, rejected, prompts, past, past_chosen, is_new of the phrases that LEAST_ANSWERS answers have."""
    texts = pl.concat([answers.with_columns(now=True), before.with_columns(now=False)])
    numbered = texts.select(
        pl.int_range(pl.len()).alias("text"), "preferred", "now", prompt=pl.col("prompt").rank("dense")
    )
    now, won = pl.col("now"), pl.col("preferred")
    table = (
        found.join(numbered, on="text")
        .group_by("phrase")
        .agg(
            chosen=(now & won).sum().cast(pl.Int64),
            rejected=(now & ~won).sum().cast(pl.Int64),
            prompts=pl.col("prompt").filter(now).n_unique(),
            past=(~now).sum().cast(pl.Int64),
            past_chosen=(~now & won).sum().cast(pl.Int64),
        )
        .filter(_COUNT >= LEAST_ANSWERS)
        .sort("phrase")
    )
    expected = _COUNT * before.height / max(1, answers.height)
    return table.with_columns(is_new=(pl.col("past") == 0) & (expected >= EXPECTED_BEFORE))


_COUNT = pl.col("chosen") + pl.col("rejected")


def _lifted(
    table: pl.DataFrame, answers: pl.DataFrame, before: pl.DataFrame, lift: float
) -> tuple[pl.DataFrame, int]:
    """The phrases that are more than `lift` times likelier in preferred answers, and more than in the past's."""
    found, asked = _beyond_doubt(table, answers, lift)
    preferred, known = (int(part["preferred"].sum()) for part in (answers, before))
    usual = pl.col("past_chosen") * preferred / max(1, known)
    news = pl.lit(known < LEAST_PAST) | (pl.col("chosen") > lift * usual)
    return table.filter(found & news & (pl.col("prompts") >= LEAST_PROMPTS)), asked


def _new(table: pl.DataFrame, answers: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """The new phrases that win nearly always."""
    new = table.filter("is_new")
    found, _ = _beyond_doubt(new, answers, NEW_LIFT)
    sure = pl.col("chosen") >= SURE * _COUNT
    return new.filter(found & sure & (pl.col("prompts") >= LEAST_PROMPTS)), new.height


def _beyond_doubt(table: pl.DataFrame, answers: pl.DataFrame, lift: float) -> tuple[pl.Series, int]:
    """Which phrases are more than `lift` times likelier in preferred answers, and of how many that was asked."""
    odds = lift * int(answers["preferred"].sum()) / int((~answers["preferred"]).sum())
    chosen, rejected = (table[name].to_numpy().astype(np.float64) for name in ("chosen", "rejected"))
    found, asked = unlikely(chosen, chosen + rejected, odds / (1 + odds), FALSE_ALARM)
    return pl.Series(found, dtype=pl.Boolean), asked


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
