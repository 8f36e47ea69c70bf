"""Accuracy in parts: by hand, with the baseline beside it, and people held to what they themselves said."""

import pytest

from components.evaluation.intervals import Bootstrap
from components.evaluation.slices import MOST_ANNOTATORS, slices_by, slices_by_annotator
from components.pages.pseudonyms import pseudonyms
from components.records import Opinion, Preference

FEW = Bootstrap(resamples=50)
#: What figures call Ann and Bob: the first digits of their SHA-256.
ANN, BOB = "annotator-17239b6e", "annotator-cd9fb1e1"


def said(annotator: str | None, vote: float, weight: float = 1.0) -> Opinion:
    return Opinion("pairwise", vote, weight, annotator)


#: The model is right of the first, wrong of the second, right of the third.
MARGINS = [1.0, -1.0, 2.0]
PAIRS = [
    Preference(
        "p", "long answer", "x", source="a", opinions=(said("Ann", 1.0), said("Bob", 0.0), said(None, 1.0))
    ),
    Preference("q", "x", "long answer", source="a", opinions=(said("Ann", 1.0),)),
    Preference("r", "x", "long answer", source="b", opinions=(said("Bob", 1.0), said("Ann", 0.5))),
]


def figures(slices):
    return {
        name: (found.accuracy.value, found.longer_wins.value, found.accuracy.pairs)
        for name, found in slices.items()
    }


def test_each_group_has_its_accuracy_and_its_baseline() -> None:
    found = slices_by(lambda pair: pair.source, MARGINS, PAIRS, FEW)
    assert figures(found) == {"a": (0.5, 0.5, 2), "b": (1.0, 0.0, 1)}
    shown = found["b"].figures()
    assert (shown["accuracy"], shown["longer_wins_accuracy"], shown["pairs"]) == (1.0, 0.0, 1)
    assert len(shown["accuracy_ci"]) == 2


def test_people_are_held_to_their_own_word() -> None:
    """Ann: right of p, wrong of q, a tie on r, which is no word. Bob: wrong of p, where he was outvoted; right of r."""
    found = slices_by_annotator(MARGINS, PAIRS, FEW)
    assert figures(found) == {ANN: (0.5, 0.5, 2), BOB: (0.5, 0.0, 2)}
    assert found[ANN].accuracy.ties == 1


def test_an_opinions_weight_counts() -> None:
    pairs = [
        Preference("p", "a", "b", opinions=(said("Ann", 1.0, 3.0),)),
        Preference("q", "a", "b", opinions=(said("Ann", 0.0),)),
    ]
    assert slices_by_annotator([1.0, 1.0], pairs, FEW)[ANN].accuracy.value == pytest.approx(0.75)


def test_the_busiest_are_shown() -> None:
    names = [f"n{number:03}" for number in range(MOST_ANNOTATORS + 5)]
    pairs = [Preference(f"p{n}", "a", "b", opinions=(said(name, 1.0),)) for n, name in enumerate(names)]
    pairs.append(Preference("more", "a", "b", opinions=(said(names[-1], 1.0),)))
    found = slices_by_annotator([1.0] * len(pairs), pairs, FEW)
    shown = [*names[: MOST_ANNOTATORS - 1], names[-1]]
    assert sorted(found) == sorted(pseudonyms(shown).values())


def test_nobody_by_name_is_no_slice() -> None:
    nameless = [Preference("p", "a", "b", opinions=(said(None, 1.0),)), Preference("q", "a", "b")]
    assert slices_by_annotator([1.0, 1.0], nameless, FEW) == {}
    assert slices_by(lambda pair: pair.source, [], [], FEW) == {}
