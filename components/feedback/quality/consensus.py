"""How right is each annotator by what the others say together of the same pairs?

What the others' votes say of a pair, this annotator's left out, is a belief x from -1 (the second answer is better)
to 1 (the first is). Somebody who is right with probability a votes v = x (2 a - 1) on average, so the slope of votes
on beliefs tells a, and the sum of x squared how much is known about it: pairs on which the others are divided, or
that nobody else judged, count for nothing.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import polars as pl

from components.feedback.quality.reliability import ballot_of, learn, names_of, softmax

#: Of so many votes on shared pairs; of more, those on a part of the pairs.
MOST_VOTES = 100_000
#: The chance that somebody in an honest batch is thought worse than he is.
FALSE_ALARM = 0.01


def consensus(votes: pl.DataFrame) -> pl.DataFrame:
    """Named annotators who share decided pairs with others.

    Args:
        votes: of pairs: item, annotator, label.

    Returns:
        annotator (sorted), reliability (as components/feedback/quality/reliability.py has it), evidence (the sum of
        x squared), accuracy, and accuracy_at_most: true with probability 1 - FALSE_ALARM of all annotators together.
    """
    shared = _part(votes.filter(pl.len().over("item") > 1))
    ballot = ballot_of(shared)
    habits, _ = learn(ballot)
    own = ballot.logs(habits)
    total = np.stack([np.bincount(ballot.item, column, ballot.items) for column in own.T], axis=1)
    others = softmax(total[ballot.item] - own + np.log(habits.prior))
    belief, vote = others[:, 0] - others[:, 2], 2 * ballot.label - 1
    evidence, product = (
        np.bincount(ballot.who, part, ballot.people + 1)[:-1] for part in (belief**2, belief * vote)
    )
    right = habits.decided[:-1]
    people = pl.DataFrame(
        {
            "annotator": names_of(shared),
            "reliability": right[:, 0] + right[:, 1] / 2,
            "evidence": evidence,
            "product": product,
        }
    ).filter(pl.col("evidence") > 0)
    doubt = NormalDist().inv_cdf(1 - FALSE_ALARM / max(1, people.height))
    slope = pl.col("product") / pl.col("evidence")
    return people.select(
        "annotator",
        "reliability",
        "evidence",
        accuracy=(1 + slope) / 2,
        # A vote lies between -1 and 1, so its variance is 1 at most.
        accuracy_at_most=((1 + slope + doubt / pl.col("evidence").sqrt()) / 2).clip(upper_bound=1),
    )


def _part(shared: pl.DataFrame) -> pl.DataFrame:
    """All votes on as many pairs as MOST_VOTES allows; which, their hashes decide."""
    share = min(1.0, MOST_VOTES / max(1, shared.height))
    return shared.filter(pl.col("item").hash(seed=1) % 10_000 < 10_000 * share)
