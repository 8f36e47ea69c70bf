"""Agreement figures against published and hand-made values, and when disagreement holds a batch."""

from __future__ import annotations

import pytest
from quality_rows import assessed, codes, pair, rating, thumb

from components.feedback.quality.proportions import wilson

# Krippendorff, Computing Krippendorff's Alpha-Reliability (2011): four observers, twelve units; None: not judged.
OBSERVERS = {
    "A": [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    "B": [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    "C": [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    "D": [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
}


def test_alpha_of_krippendorffs_four_observers():
    rows = [
        rating(
            unit,
            *((name, float(given[unit])) for name, given in OBSERVERS.items() if given[unit] is not None),
        )
        for unit in range(12)
    ]
    figures = assessed(rows).figures["agreement"]["rating"]
    # Section D: interval data. The twelfth unit has one value and is no unit of agreement.
    assert figures == {"items": 11, "votes": 40, "alpha": pytest.approx(0.849, abs=5e-4)}


def test_alpha_of_krippendorffs_two_observers_of_binary_data():
    # Section A: alpha is 0.095. They agree on 6 of 10.
    first, second = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    rows = [
        thumb(unit, ("A", float(a)), ("B", float(b)))
        for unit, (a, b) in enumerate(zip(first, second, strict=True))
    ]
    figures = assessed(rows).figures["agreement"]["thumbs"]
    assert figures["alpha"] == pytest.approx(0.095, abs=5e-4)
    assert (figures["items"], figures["agreement"], figures["exact"]) == (10, 0.6, 0.6)


def test_kappa_by_hand():
    # Both first 20, both second 15, A first and B second 5, the other way round 10: observed 0.7, expected 0.5.
    cells = [(1.0, 1.0)] * 20 + [(0.0, 0.0)] * 15 + [(1.0, 0.0)] * 5 + [(0.0, 1.0)] * 10
    rows = [pair(number, ("A", a), ("B", b)) for number, (a, b) in enumerate(cells)]
    (kappa,) = assessed(rows).figures["agreement"]["pairwise"]["kappa"]
    assert kappa == {"annotators": ["A", "B"], "items": 50, "kappa": pytest.approx(0.4, abs=1e-4)}


def test_a_pair_is_the_same_pair_in_other_rows_and_in_the_other_order():
    # B was shown the answers the other way round and prefers the same one: they agree.
    rows = [
        pair(1, ("A", 1.0), first="Blue.", second="Red."),
        pair(1, ("B", 0.0), first="Red.", second="Blue."),
        pair(2, ("A", 1.0), first="Blue.", second="Red."),
    ]
    figures = assessed(rows).figures["agreement"]["pairwise"]
    assert (figures["items"], figures["votes"], figures["agreement"]) == (1, 2, 1.0)


def test_a_tie_agrees_half_with_a_preference():
    # Three votes on one pair: first-first agree, first-tie twice half: (1 + 1/2 + 1/2) / 3.
    figures = assessed([pair(1, ("A", 1.0), ("B", 1.0), ("C", 0.5))]).figures["agreement"]["pairwise"]
    assert figures["agreement"] == pytest.approx(2 / 3, abs=1e-4)
    assert figures["exact"] == pytest.approx(1 / 3, abs=1e-4)


def _divided(agreeing: int, pairs: int) -> list[dict]:
    """Pairs that two people judged, everybody one pair."""
    rows = []
    for number in range(pairs):
        label = float(number % 2)
        other = label if number < agreeing else 1 - label
        rows.append(pair(number, (f"A{number}", label), (f"B{number}", other)))
    return rows


def test_low_agreement_holds_where_it_is_beyond_doubt():
    # 40 of 100: 31 to 50 %. 55 of 100: 45 to 64 %, so 60 % is possible. 4 of 19: too few pairs to say.
    assert codes(assessed(_divided(40, 100))) == ["AGREEMENT"]
    assert codes(assessed(_divided(55, 100))) == []
    assert codes(assessed(_divided(4, 19))) == []
    assert codes(assessed(_divided(4, 20))) == ["AGREEMENT"]
    assert codes(assessed(_divided(40, 100), agreement=0.4)) == []


def test_low_agreement_says_its_numbers():
    (found,) = assessed(_divided(40, 100)).findings
    assert found.action == "hold"
    assert (
        "agree 40.0% of the time (95 % interval 30.9% to 49.8%, 100 pairs judged twice or more)"
        in found.message
    )
    assert found.remedy
    assert found.figures == {"items": 100, "agreement": 0.4, "agreement_ci": [0.3094, 0.498]}


def test_wilsons_interval_by_hand():
    # 8 of 10, z = 1.96: (0.8 + 0.19207) / 1.38415 -+ 1.96 / 1.38415 * sqrt(0.016 + 0.0096037).
    assert wilson(0.8, 10) == pytest.approx((0.49016, 0.94332), abs=2e-4)
    assert wilson(0.0, 0) == (0.0, 1.0)


def test_votes_of_one_value_have_no_alpha_and_no_kappa():
    rows = [pair(n, ("A", 1.0), ("B", 1.0)) for n in range(25)]
    figures = assessed(rows).figures["agreement"]["pairwise"]
    assert figures["alpha"] is None
    assert figures["kappa"][0]["kappa"] is None
    assert figures["agreement"] == 1.0
