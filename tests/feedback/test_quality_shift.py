"""Jensen-Shannon divergence by hand, and which differences from the days before hold a batch."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from quality_rows import assessed, codes, pair, rating, thumb

from components.feedback.quality.shift import divergence


def test_divergence_by_hand():
    # p = (1, 0), q = (1/2, 1/2), m = (3/4, 1/4): (log2(4/3) + (log2(2/3) + log2(2)) / 2) / 2 = 0.31128 bits,
    # less (2 - 1) (1/100 + 1/100) / (8 ln 2) = 0.00361.
    found = divergence(np.array([100.0, 0.0]), np.array([50.0, 50.0]))
    assert found == pytest.approx(0.31128 - 0.00361, abs=1e-5)


def test_divergence_of_what_shares_nothing_is_one_bit():
    found = divergence(np.array([1000.0, 0.0]), np.array([0.0, 1000.0]))
    assert found == pytest.approx(1 - 0.002 / (8 * math.log(2)), abs=1e-9)


def test_what_chance_adds_is_taken_off():
    rng = np.random.default_rng(0)
    share = np.full(10, 0.1)
    raw, mended = [], []
    for _ in range(300):
        counts, others = rng.multinomial(200, share).astype(float), rng.multinomial(400, share).astype(float)
        p, q = counts / 200, others / 400
        middle = (p + q) / 2
        plain = (np.sum(p * np.log2(p / middle)) + np.sum(q * np.log2(q / middle))) / 2
        raw.append(plain)
        mended.append(plain - 9 * (1 / 200 + 1 / 400) / (8 * math.log(2)))
        assert divergence(counts, others) == pytest.approx(max(0.0, mended[-1]), abs=1e-9)
    assert np.mean(raw) > 0.01
    assert np.mean(mended) == pytest.approx(0.0, abs=0.001)


def up(count: int, share: float) -> list[dict]:
    return [thumb(n, (f"p{n % 8}", float(n < share * count))) for n in range(count)]


def test_labels_that_shifted_hold_the_batch():
    before = up(400, 0.5)
    (found,) = assessed(up(100, 0.95), before).findings
    assert (str(found.code), found.action) == ("SHIFT", "hold")
    assert (found.figures["kind"], found.figures["what"], found.figures["past_rows"]) == (
        "thumbs",
        "labels",
        400,
    )
    assert codes(assessed(up(100, 0.65), before)) == []
    assert codes(assessed(up(100, 0.95), before, shift=0.5)) == []


def test_too_few_rows_are_not_compared():
    assert codes(assessed(up(49, 1.0), up(400, 0.2))) == []
    assert codes(assessed(up(50, 1.0), up(400, 0.2))) == ["SHIFT"]
    assert codes(assessed(up(400, 1.0), up(49, 0.2))) == []
    assert codes(assessed(up(400, 1.0))) == []


def test_lengths_that_shifted_hold_the_batch():
    def answers(words: int) -> list[dict]:
        rng = random.Random(words)
        return [
            pair(
                n,
                (f"p{n % 8}", float(n // 8 % 2)),
                first="blue " * rng.randint(words, 2 * words) + str(n),
                second="grey " * rng.randint(words, 2 * words) + str(n),
            )
            for n in range(200)
        ]

    short, long = answers(10), answers(60)
    (found,) = [found for found in assessed(long, short).findings if found.action == "hold"]
    assert (str(found.code), found.figures["what"]) == ("SHIFT", "lengths")
    assert found.figures["bits"] > 0.8
    assert "SHIFT" not in codes(assessed(answers(11), short))


def test_another_kind_or_format_is_no_shift():
    ratings = [rating(n, (f"p{n % 8}", 5.0)) for n in range(100)]
    quality = assessed(ratings, up(400, 0.1))
    assert codes(quality) == []
    (kinds,) = [figure for figure in quality.figures["shift"] if figure["what"] == "sources"]
    assert kinds["bits"] == 0.0
    # A file of chosen and rejected answers after one that keeps the order they were shown in.
    rng = random.Random(0)
    shown = [pair(n, (f"p{n % 8}", float(rng.random() < 0.5))) for n in range(400)]
    chosen = [pair(n, (f"p{n % 8}", 1.0)) for n in range(400)]
    assert codes(assessed(chosen, shown)) == []
