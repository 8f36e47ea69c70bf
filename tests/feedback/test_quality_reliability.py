"""Reliability of annotators and probabilities of items, from votes alone."""

from __future__ import annotations

import random

import polars as pl
import pytest

from components.feedback.quality.reliability import EXPECTED, PSEUDO_VOTES, reliability


def cast(
    accuracy: dict[str | None, float], items: int, seed: int = 0, ties: float = 0.0
) -> tuple[pl.DataFrame, dict]:
    """Votes on items of known truth by people of known accuracy."""
    rng = random.Random(seed)
    truth = {f"i{number:04d}": rng.random() < 0.5 for number in range(items)}
    votes = []
    for item, first in truth.items():
        for name, share in accuracy.items():
            label = 0.5 if rng.random() < ties else float(first == (rng.random() < share))
            votes.append({"item": item, "annotator": name, "label": label})
    return pl.DataFrame(votes), truth


def right_share(items: pl.DataFrame, truth: dict) -> float:
    guesses = dict(items.iter_rows())
    return sum((guesses[item] > 0.5) == first for item, first in truth.items()) / len(truth)


def test_known_accuracies_are_found():
    accuracy = {"a": 0.95, "b": 0.85, "c": 0.75, "d": 0.6, "x": 0.5}
    annotators, items = reliability(cast(accuracy, 2000)[0])
    assert annotators.columns == ["annotator", "reliability", "votes"]
    assert items.columns == ["item", "probability"]
    found = dict(annotators.select("annotator", "reliability").iter_rows())
    assert found == pytest.approx(accuracy, abs=0.03)
    assert annotators["votes"].to_list() == [2000] * 5


def test_weighted_labels_beat_the_majority_where_people_differ():
    votes, truth = cast({"a": 0.95, "x": 0.55, "y": 0.55, "z": 0.55}, 1000)
    weighted = right_share(reliability(votes).items, truth)
    means = votes.group_by("item").agg(pl.col("label").mean())
    majority = right_share(means.select("item", "label"), truth)
    assert weighted > 0.92 > majority + 0.1


def test_one_vote_each_teaches_nothing():
    votes = pl.DataFrame(
        {"item": ["i1", "i2", "i3"], "annotator": ["a", "a", None], "label": [1.0, 0.0, 0.5]}
    )
    annotators, items = reliability(votes)
    expected = EXPECTED[0] + EXPECTED[1] / 2
    assert annotators.to_dicts() == [{"annotator": "a", "reliability": pytest.approx(expected), "votes": 2}]
    assert dict(items.iter_rows())["i3"] == 0.5
    assert dict(items.iter_rows())["i1"] == pytest.approx(1 - dict(items.iter_rows())["i2"])
    assert 0.7 < dict(items.iter_rows())["i1"] < 0.9


def test_few_votes_stay_near_the_average():
    # Somebody who contradicts four people on two items is not thought to reverse the question.
    votes, _ = cast({"a": 0.9, "b": 0.9, "c": 0.9, "d": 0.9}, 200)
    majority = dict(votes.group_by("item").agg(pl.col("label").mean().round()).iter_rows())
    lone = [{"item": item, "annotator": "x", "label": 1 - majority[item]} for item in ("i0001", "i0002")]
    annotators, _ = reliability(pl.concat([votes, pl.DataFrame(lone)]))
    found = dict(annotators.select("annotator", "reliability").iter_rows())
    # (0.9 * PSEUDO_VOTES + 0) / (PSEUDO_VOTES + 2)
    assert found["x"] == pytest.approx(0.9 * PSEUDO_VOTES / (PSEUDO_VOTES + 2), abs=0.03)


def test_a_vote_without_a_name_is_an_average_annotators():
    votes, truth = cast({"a": 0.9, "b": 0.9, "c": 0.9}, 400)
    nameless = votes.with_columns(annotator=pl.lit(None, pl.String))
    annotators, items = reliability(nameless)
    assert annotators.height == 0
    assert right_share(items, truth) > 0.95
    # Two against one: P = 0.9 ^ 2 * 0.1 / (0.9 ^ 2 * 0.1 + 0.1 ^ 2 * 0.9).
    two_to_one = nameless.group_by("item").agg(pl.col("label").sum()).filter(pl.col("label") == 2)["item"]
    found = items.filter(pl.col("item").is_in(two_to_one.implode()))["probability"]
    assert found.min() == pytest.approx(0.9, abs=0.02)


def test_ties_draw_to_the_middle():
    votes, _ = cast({"a": 0.9, "b": 0.85, "c": 0.9}, 600, ties=0.2)
    items = dict(reliability(votes).items.iter_rows())
    all_ties = votes.group_by("item").agg(
        pl.col("label").min().alias("low"), pl.col("label").max().alias("high")
    )
    for item in all_ties.filter((pl.col("low") == 0.5) & (pl.col("high") == 0.5))["item"]:
        assert items[item] == pytest.approx(0.5)


def test_the_order_of_the_answers_changes_nothing():
    votes, _ = cast({"a": 0.9, "b": 0.7, "c": 0.6}, 300, ties=0.1)
    turned = votes.with_columns(label=1 - pl.col("label"))
    annotators, items = reliability(votes)
    annotators_turned, items_turned = reliability(turned)
    assert annotators_turned["reliability"].to_list() == pytest.approx(
        annotators["reliability"].to_list(), abs=1e-6
    )
    assert (1 - items_turned["probability"]).to_list() == pytest.approx(
        items["probability"].to_list(), abs=1e-6
    )


def test_the_order_of_the_votes_changes_nothing():
    votes, _ = cast({"a": 0.9, "b": 0.7, None: 0.6}, 200, ties=0.1)
    one, other = reliability(votes), reliability(votes.sample(fraction=1.0, shuffle=True, seed=3))
    assert one.annotators.equals(other.annotators)
    assert one.items.equals(other.items)


def test_no_votes():
    nothing = pl.DataFrame(schema={"item": pl.String, "annotator": pl.String, "label": pl.Float64})
    annotators, items = reliability(nothing)
    assert (annotators.height, items.height) == (0, 0)
