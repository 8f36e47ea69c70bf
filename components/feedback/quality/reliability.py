"""How far each annotator can be trusted, and what their votes together say of each pair.

Dawid and Skene (1979) estimate by EM, from votes alone, each annotator's errors and each item's answer. Votes on
pairs have a symmetry that the general model lacks: which answer stands first is arbitrary. So one annotator has two
rows of errors and not three. Of a pair with a better answer they say right, tie or wrong; of a true tie they say tie,
or one of the two by chance. That leaves fewer numbers to learn from few votes, and each is drawn towards the average
annotator's as if PSEUDO_VOTES votes had said so: who judged twice is nearly the average annotator, who judged a
thousand times is himself.

A pair that one person judged teaches nothing about people: it has a probability, but no part in the learning. Where
there is no other pair, everybody is as right as EXPECTED says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from components.feedback.draft import FIRST, SECOND, TIE

Array = NDArray[np.float64]
Index = NDArray[np.int64]

#: The average annotator counts as so many votes of each annotator.
PSEUDO_VOTES = 10.0
#: (right, tie, wrong) of the average annotator before anything is seen. Two such people agree on 72 % of decided
#: pairs, as InstructGPT's labelers did (Ouyang 2022, 2203.02155: 72.6 %).
EXPECTED = (0.79, 0.06, 0.15)
#: (tie, no tie) of the average annotator on a true tie, and (decided, tied) pairs, before anything is seen.
EXPECTED_ON_TIE = (0.5, 0.5)
EXPECTED_TRUTH = (0.9, 0.1)
_MOST_STEPS = 200
_CLOSE_ENOUGH = 1e-6


class Reliability(NamedTuple):
    """What the votes say.

    Attributes:
        annotators: annotator (sorted), reliability, votes. Reliability is the probability that they name the better
            answer, a tie counting half: 0.5 is a coin, below 0.5 somebody who reverses the question.
        items: item (sorted), probability: that the first answer is the better one, a true tie counting half.
    """

    annotators: pl.DataFrame
    items: pl.DataFrame


def reliability(votes: pl.DataFrame) -> Reliability:
    """Annotators and items from votes; the same votes in any order give the same answer up to rounding.

    A vote without a name counts as one by an average annotator.

    Args:
        votes: item (str), annotator (str, or null) and label (1.0 first, 0.5 tie, 0.0 second; one item's votes see
            its two answers in the same order).
    """
    items = _codes(votes["item"])
    people = _codes(votes["annotator"].drop_nulls())
    known = votes.sort("item", "annotator", "label", nulls_last=True)
    ballot = _Ballot(
        item=_places(known["item"], items),
        # Who has no name is one past the last: the average annotator.
        who=_places(known["annotator"], people),
        label=known["label"].to_numpy(),
        items=len(items),
        people=len(people),
    )
    habits, truth = _learn(ballot)
    right = habits.decided[: len(people)]
    return Reliability(
        pl.DataFrame({"annotator": people, "reliability": right[:, 0] + right[:, 1] / 2}).with_columns(
            votes=pl.Series(np.bincount(ballot.who, minlength=len(people) + 1)[: len(people)], dtype=pl.Int64)
        ),
        pl.DataFrame({"item": items, "probability": truth[:, 0] + truth[:, 1] / 2}),
    )


@dataclass(frozen=True)
class _Ballot:
    """Votes as numbers: item and annotator of each vote by their places, and how many there are of both."""

    item: Index
    who: Index
    label: Array
    items: int
    people: int

    def part(self, chosen: NDArray[np.bool_]) -> _Ballot:
        return _Ballot(self.item[chosen], self.who[chosen], self.label[chosen], self.items, self.people)

    def columns(self, decided: Array, tied: Array, truth: Array) -> Array:
        """log P(label | truth) of each vote [votes, 3] by its annotator's habits; truth: first, tie, second."""
        right, tie, wrong = decided[self.who].T
        on_tie = np.where(self.label == TIE, tied[self.who, 0], tied[self.who, 1] / 2)
        first = np.select([self.label == FIRST, self.label == SECOND], [right, wrong], tie)
        second = np.select([self.label == FIRST, self.label == SECOND], [wrong, right], tie)
        return np.log(np.stack([first, on_tie, second], axis=1))


@dataclass(frozen=True)
class _Habits:
    """What annotators do, the average one last: decided [people + 1, 3] right, tie, wrong; tied [people + 1, 2]
    tie or not; prior [3] of first, tie, second."""

    decided: Array
    tied: Array
    prior: Array


def _learn(ballot: _Ballot) -> tuple[_Habits, Array]:
    """Habits, and the probability [items, 3] of each truth."""
    judged = np.bincount(ballot.item, minlength=ballot.items)
    shared = judged > 1
    lessons = ballot.part(shared[ballot.item])
    truth = _first_guess(lessons)
    for _ in range(_MOST_STEPS):
        habits = _habits(lessons, truth, shared)
        before, truth = truth, _truth(lessons, habits)
        if np.abs(truth - before).max(initial=0.0) < _CLOSE_ENOUGH:
            break
    return habits, _truth(ballot, habits)


def _first_guess(ballot: _Ballot) -> Array:
    """The votes' own shares, drawn a little towards not knowing."""
    labels = (FIRST, TIE, SECOND)
    shares = np.stack(
        [np.bincount(ballot.item[ballot.label == label], minlength=ballot.items) for label in labels], axis=1
    )
    return (shares + 0.5) / (shares + 0.5).sum(axis=1, keepdims=True)


def _habits(ballot: _Ballot, truth: Array, shared: NDArray[np.bool_]) -> _Habits:
    """The M step: shares of expected counts, drawn towards the average annotator's."""
    first, tie, second = truth[ballot.item].T
    said_first, said_tie, said_second = (ballot.label == label for label in (FIRST, TIE, SECOND))
    right = _per_person(ballot, first * said_first + second * said_second)
    wrong = _per_person(ballot, first * said_second + second * said_first)
    undecided = _per_person(ballot, (first + second) * said_tie)
    on_tie = np.stack([_per_person(ballot, tie * said_tie), _per_person(ballot, tie * ~said_tie)], axis=1)
    tied_share = _shrunk(np.array([(1 - truth[shared, 1]).sum(), truth[shared, 1].sum()]), EXPECTED_TRUTH)
    # Where nobody ever says tie there are no ties to find.
    decided_share = tied_share[0] if said_tie.any() else 1.0 - 1e-12
    return _Habits(
        decided=_with_average(np.stack([right, undecided, wrong], axis=1), EXPECTED),
        tied=_with_average(on_tie, EXPECTED_ON_TIE),
        prior=np.array([decided_share / 2, 1 - decided_share, decided_share / 2]),
    )


def _with_average(counts: Array, expected: tuple[float, ...]) -> Array:
    """Shares of each row of counts, after them the average annotator's, towards which the others are drawn."""
    average = _shrunk(counts.sum(axis=0), expected)
    return np.concatenate([_shrunk(counts[:-1], tuple(average)), average[None]])


def _shrunk(counts: Array, towards: tuple[float, ...]) -> Array:
    counts = counts + PSEUDO_VOTES * np.array(towards)
    return np.asarray(counts / counts.sum(axis=-1, keepdims=True))


def _per_person(ballot: _Ballot, expected: Array) -> Array:
    return np.bincount(ballot.who, weights=expected, minlength=ballot.people + 1)


def _truth(ballot: _Ballot, habits: _Habits) -> Array:
    """The E step: probability [items, 3] of first, tie and second."""
    votes = ballot.columns(habits.decided, habits.tied, habits.prior)
    logs = [np.bincount(ballot.item, weights=column, minlength=ballot.items) for column in votes.T]
    joint = np.stack(logs, axis=1) + np.log(habits.prior)
    likelihood = np.exp(joint - joint.max(axis=1, keepdims=True))
    return np.asarray(likelihood / likelihood.sum(axis=1, keepdims=True))


def _codes(names: pl.Series) -> pl.Series:
    return names.unique().sort()


def _places(names: pl.Series, known: pl.Series) -> Index:
    """The place of each name among the known ones, which are sorted; null is one past the last."""
    places = np.full(len(names), len(known), dtype=np.int64)
    named = names.is_not_null().to_numpy()
    places[named] = known.search_sorted(names.drop_nulls()).to_numpy()
    return places
