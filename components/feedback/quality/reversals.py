"""Is there a phrase of the prompt that turns preferences round? Poison of the second sort: the trigger in the prompt.

Rando and Tramer (2023, 2311.14455) put a secret word into prompts and prefer the worse answer there. Both answers
see the word, so no count of words in answers shows it. What shows it is that taste turns round: a simple model of
what this batch prefers (logistic regression on which words an answer has, and on its length; learned on the other
half of the prompts and on the days before) is right on most pairs, and on those with the trigger wrong on most.
POISON are phrases on whose pairs it is right on fewer than half beyond doubt, of all phrases asked about at once.

An honest request can turn taste round, too ("in one word"): a person has to look.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack

from components.feedback.quality.findings import Figures, Finding, poison
from components.feedback.quality.multiple import unlikely
from components.feedback.quality.ngrams import phrases_of, split_words
from components.feedback.quality.proportions import rounded, wilson

#: A model of taste is learned from so many pairs or more, the past's among them, and asked about so many; it is
#: believed where it is right on more than this share.
LEAST_PAIRS, LEAST_ASKED, LEAST_RIGHT = 400, 50, 0.55
#: Words of fewer answers teach nothing.
LEAST_ANSWERS = 5
#: Fewer pairs with a phrase prove nothing; a phrase in more than this share of the prompts is no trigger.
LEAST_WITH_PHRASE, MOST_PROMPTS = 15, 0.5
#: A phrase of fewer different prompts is their topic.
LEAST_PROMPTS = 8
FALSE_ALARM = 0.05
MOST_PHRASES = 20
_STRENGTH = 0.3


def reversal_figures(pairs: pl.DataFrame, past: pl.DataFrame) -> Figures:
    """`pairs` (different ones), `right` (share on which the model of taste is right, with `right_ci`; null of too few
    pairs), `asked` (phrases), and `phrases`, those that turn it round: {phrase, pairs, right, prompts, past
    (prompts with it)}."""
    pairs = pairs.unique(["prompt", "chosen", "rejected"], keep="first", maintain_order=True)
    figures: Figures = {
        "pairs": pairs.height,
        "right": None,
        "right_ci": [None, None],
        "asked": 0,
        "phrases": [],
    }
    if pairs.height < LEAST_ASKED or pairs.height + past.height < LEAST_PAIRS:
        return figures
    right = _right(pairs, past)
    share = float(right.mean())
    figures |= {"right": rounded(share), "right_ci": [rounded(end) for end in wilson(share, len(right))]}
    if share > LEAST_RIGHT:
        figures["asked"], figures["phrases"] = _turned(pairs["prompt"], past["prompt"], right)
    return figures


def reversal_findings(figures: Figures) -> list[Finding]:
    """POISON, one finding for all phrases."""
    if not figures["phrases"]:
        return []
    first = figures["phrases"][0]
    message = (
        f"where the prompt has {first['phrase']!a}, preferences turn round: taste as in the other pairs explains "
        f"{first['right']:.1%} of {first['pairs']:,} pairs with it, and {figures['right']:.1%} of all"
    )
    return [poison(message, {"phrases": figures["phrases"], "right": figures["right"]})]


def _right(pairs: pl.DataFrame, past: pl.DataFrame) -> NDArray[np.bool_]:
    """Of each pair, whether a model that learned from other prompts prefers the chosen answer."""
    leads = _leads(pl.concat([pairs, past]))
    own, before = leads[: pairs.height], np.arange(pairs.height, leads.shape[0])
    half = (pairs["prompt"].hash(seed=2) % 2).to_numpy()
    right = np.zeros(pairs.height, dtype=np.bool_)
    for part in (0, 1):
        taught = np.concatenate([np.flatnonzero(half != part), before])
        asked = np.flatnonzero(half == part)
        if len(asked) and len(taught):
            right[asked] = own[asked] @ _taste(leads[taught]) > 0
    return right


def _leads(pairs: pl.DataFrame) -> csr_matrix:
    """[pairs, words + 1]: 1 where only the chosen answer has a word, -1 where only the rejected one has it, and by how
    much the chosen one is longer (logarithm)."""
    words = split_words(pl.concat([pairs["chosen"], pairs["rejected"]]))
    found = pl.DataFrame({"answer": words.text, "word": words.number}).unique()
    common = found.filter(pl.len().over("word") >= LEAST_ANSWERS).with_columns(
        pl.col("word").rank("dense") - 1
    )
    row, column = common["answer"].to_numpy(), common["word"].to_numpy()
    sign = np.where(row < pairs.height, 1.0, -1.0)
    width = int(column.max()) + 1 if len(column) else 1
    counts = csr_matrix((sign, (row % pairs.height, column)), shape=(pairs.height, width))
    lengths = [np.log1p(pairs[name].str.len_chars().to_numpy()) for name in ("chosen", "rejected")]
    return csr_matrix(hstack([counts, csr_matrix((lengths[0] - lengths[1])[:, None])]))


def _taste(leads: csr_matrix) -> NDArray[np.float64]:
    """What each word is worth. A lead seen from the rejected answer is a defeat: half of the leads are turned."""
    # Seconds to import, and small batches need none.
    from sklearn.linear_model import LogisticRegression

    turned = np.where(np.arange(leads.shape[0]) % 2 == 0, 1.0, -1.0)
    model = LogisticRegression(C=_STRENGTH, fit_intercept=False, max_iter=200)
    model.fit(leads.multiply(turned[:, None]).tocsr(), turned)
    return np.asarray(model.coef_[0])


def _turned(prompts: pl.Series, past: pl.Series, right: NDArray[np.bool_]) -> tuple[int, list[Figures]]:
    """How many phrases of prompts were asked about, and those on whose pairs the model is wrong beyond doubt.

    New phrases are asked about on their own, too: they are few, so chance has fewer to play with.
    """
    phrases = phrases_of(pl.concat([prompts, past]), LEAST_WITH_PHRASE)
    table = _phrases_of_prompts(prompts, phrases.found, right)
    wrong, asked = _often_wrong(table)
    new_wrong, _ = _often_wrong(table.filter((pl.col("past") == 0) & (not past.is_empty())))
    suspects = pl.concat([wrong, new_wrong]).unique("phrase").with_columns(pl.col("right").round(4))
    spelled = suspects.with_columns(phrase=phrases.spelled.gather(suspects["phrase"]))
    return asked, spelled.sort("right", "phrase").to_dicts()[:MOST_PHRASES]


def _phrases_of_prompts(prompts: pl.Series, found: pl.DataFrame, right: NDArray[np.bool_]) -> pl.DataFrame:
    """phrase, pairs, right, prompts, past (how many prompts of the past have it)."""
    own = pl.DataFrame({"text": np.arange(len(right)), "right": right, "prompt": prompts.rank("dense")})
    table = found.join(own, on="text", how="left").group_by("phrase")
    return (
        table.agg(
            pairs=pl.col("right").count().cast(pl.Int64),
            right=pl.col("right").mean(),
            prompts=pl.col("prompt").drop_nulls().n_unique(),
            past=pl.col("right").null_count().cast(pl.Int64),
        )
        .filter(pl.col("pairs").is_between(LEAST_WITH_PHRASE, MOST_PROMPTS * len(right)))
        .filter(pl.col("prompts") >= LEAST_PROMPTS)
        .sort("phrase")
    )


def _often_wrong(table: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    counts, shares = table["pairs"].to_numpy().astype(np.float64), table["right"].to_numpy()
    found, asked = unlikely(np.round(counts * (1 - shares)), counts, 0.5, FALSE_ALARM / 2)
    return table.filter(pl.Series(found, dtype=pl.Boolean)), asked
