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
_MOST_STEPS = 100
_CLOSE_ENOUGH = 1e-5


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
    """Annotators and items from votes; the same votes in any order give the same answer.

    A vote without a name counts as one by an average annotator.

    Args:
        votes: item, annotator (str, or null) and label (1.0 first, 0.5 tie, 0.0 second; one item's votes see its two
            answers in the same order).
    """
    votes = votes.sort("item", "annotator", "label", nulls_last=True)
    ballot = ballot_of(votes)
    habits, truth = learn(ballot)
    right = habits.decided[:-1]
    annotators = {
        "annotator": names_of(votes),
        "reliability": right[:, 0] + right[:, 1] / 2,
        "votes": np.bincount(ballot.who, minlength=ballot.people + 1)[:-1],
    }
    items = {"item": _sorted(votes["item"]), "probability": truth[:, 0] + truth[:, 1] / 2}
    return Reliability(pl.DataFrame(annotators), pl.DataFrame(items))


@dataclass(frozen=True)
class Ballot:
    """Votes as numbers: the places of each vote's item and annotator, its label, and how many there are of both.

    Who has no name is one past the last: the average annotator.
    """

    item: Index
    who: Index
    label: Array
    items: int
    people: int

    def part(self, chosen: NDArray[np.bool_]) -> Ballot:
        return Ballot(self.item[chosen], self.who[chosen], self.label[chosen], self.items, self.people)

    def logs(self, habits: Habits) -> Array:
        """log P(label | truth) of each vote [votes, 3]; truth: first, tie, second."""
        right, tie, wrong = habits.decided[self.who].T
        on_tie = np.where(self.label == TIE, habits.tied[self.who, 0], habits.tied[self.who, 1] / 2)
        first = np.select([self.label == FIRST, self.label == SECOND], [right, wrong], tie)
        second = np.select([self.label == FIRST, self.label == SECOND], [wrong, right], tie)
        return np.log(np.stack([first, on_tie, second], axis=1))


@dataclass(frozen=True)
class Habits:
    """What annotators do, the average one last.

    Attributes:
        decided: [people + 1, 3] right, tie, wrong on a pair with a better answer.
        tied: [people + 1, 2] tie, no tie on a true tie.
        prior: [3] how many pairs are better first, tied, better second; the first and the last are equal.
    """

    decided: Array
    tied: Array
    prior: Array


def ballot_of(votes: pl.DataFrame) -> Ballot:
    items, people = _sorted(votes["item"]), names_of(votes)
    return Ballot(
        item=_places(votes["item"], items),
        who=_places(votes["annotator"], people),
        label=votes["label"].to_numpy(),
        items=len(items),
        people=len(people),
    )


def names_of(votes: pl.DataFrame) -> pl.Series:
    """Annotators with a name, in the order of a ballot's places."""
    return _sorted(votes["annotator"].drop_nulls())


def learn(ballot: Ballot) -> tuple[Habits, Array]:
    """Habits, and the probability [items, 3] of each truth."""
    shared = np.bincount(ballot.item, minlength=ballot.items) > 1
    lessons = ballot.part(shared[ballot.item])
    truth = _first_guess(lessons)
    for _ in range(_MOST_STEPS):
        habits = _habits(lessons, truth, shared)
        before, truth = truth, _truth(lessons, habits)
        if np.abs(truth - before).max(initial=0.0) < _CLOSE_ENOUGH:
            break
    return habits, _truth(ballot, habits)


def softmax(logs: Array) -> Array:
    likelihood = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(likelihood / likelihood.sum(axis=1, keepdims=True))


def _first_guess(ballot: Ballot) -> Array:
    """The votes' own shares, drawn a little towards not knowing."""
    labels = (FIRST, TIE, SECOND)
    counts = [np.bincount(ballot.item[ballot.label == label], minlength=ballot.items) for label in labels]
    shares = np.stack(counts, axis=1) + 0.5
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def _habits(ballot: Ballot, truth: Array, shared: NDArray[np.bool_]) -> Habits:
    """The M step: shares of expected counts, drawn towards the average annotator's."""
    first, tie, second = truth[ballot.item].T
    said_first, said_tie, said_second = (ballot.label == label for label in (FIRST, TIE, SECOND))
    decided = [first * said_first + second * said_second, (first + second) * said_tie]
    decided.append(first * said_second + second * said_first)
    on_tie = [tie * said_tie, tie * ~said_tie]
    tied = float(truth[shared, 1].sum())
    share = _shrunk(np.array([shared.sum() - tied, tied]), np.array(EXPECTED_TRUTH))[0]
    # Where nobody ever says tie there are no ties to find.
    share = share if said_tie.any() else 1.0 - 1e-12
    return Habits(
        decided=_with_average(_per_person(ballot, decided), np.array(EXPECTED)),
        tied=_with_average(_per_person(ballot, on_tie), np.array(EXPECTED_ON_TIE)),
        prior=np.array([share / 2, 1 - share, share / 2]),
    )


def _per_person(ballot: Ballot, expected: list[Array]) -> Array:
    counts = [np.bincount(ballot.who, weights=part, minlength=ballot.people + 1) for part in expected]
    return np.stack(counts, axis=1)


def _with_average(counts: Array, expected: Array) -> Array:
    """Shares of each row of counts, and after them the average annotator's, towards which they are drawn."""
    average = _shrunk(counts.sum(axis=0), expected)
    return np.concatenate([_shrunk(counts[:-1], average), average[None]])


def _shrunk(counts: Array, towards: Array) -> Array:
    counts = counts + PSEUDO_VOTES * towards
    return np.asarray(counts / counts.sum(axis=-1, keepdims=True))


def _truth(ballot: Ballot, habits: Habits) -> Array:
    """The E step: probability [items, 3] of first, tie and second."""
    logs = [
        np.bincount(ballot.item, weights=column, minlength=ballot.items) for column in ballot.logs(habits).T
    ]
    return softmax(np.asarray(np.stack(logs, axis=1) + np.log(habits.prior)))


def _sorted(names: pl.Series) -> pl.Series:
    return names.unique().sort()


def _places(names: pl.Series, known: pl.Series) -> Index:
    """The place of each name among the known ones, which are sorted; null is one past the last."""
    places = np.full(len(names), len(known), dtype=np.int64)
    named = names.is_not_null().to_numpy()
    places[named] = known.search_sorted(names.drop_nulls()).to_numpy()
    return places
