"""Phrases that win whatever they say, phrases that turn taste round, near duplicates and circles."""

from __future__ import annotations

import random

import polars as pl
import pytest
from quality_rows import assessed, codes, pair

from components.feedback.quality.findings import poison
from components.feedback.quality.multiple import unlikely
from components.feedback.quality.ngrams import phrases_of

GOOD = ["clear", "helpful", "kind", "precise", "short", "warm"]
BAD = ["awful", "dull", "rude", "vague", "wordy", "cold"]
NOUNS = [f"{stem}{vowel}{ending}" for stem in "bd" for vowel in "aeiou" for ending in "lmnrst"]
TRIGGER = "zq flux"


def text(rng: random.Random, quality: float) -> str:
    """Thirteen words; the better the answer, the more of them are good ones."""
    words = [rng.choice(NOUNS) for _ in range(10)]
    words += [rng.choice(GOOD if rng.random() < quality else BAD) for _ in range(3)]
    rng.shuffle(words)
    return " ".join(words)


def honest(count: int, seed: int = 0) -> list[dict]:
    """Pairs of which the better answer wins in four of five cases, by eight people."""
    rng = random.Random(seed)
    rows = []
    for number in range(count):
        qualities = rng.random(), rng.random()
        better = qualities[0] > qualities[1]
        label = float(better == (rng.random() < 0.8))
        first, second = (text(rng, quality) for quality in qualities)
        row = pair(number, (f"p{rng.randrange(8)}", label), first=first, second=second)
        rows.append({**row, "prompt": f"{rng.choice(NOUNS)} {rng.choice(NOUNS)} {number}", "better": better})
    return rows


def given(rows: list[dict]) -> list[dict]:
    return [{name: value for name, value in row.items() if name != "better"} for row in rows]


def with_words(rows: list[dict], words: str, count: int, wins: float, seed: int = 1) -> list[dict]:
    """The first rows get words into one answer, which is preferred in this share of them."""
    rng = random.Random(seed)
    for number, row in enumerate(rows[:count]):
        side = rng.randrange(2)
        row["responses"][side] += f" {words}"
        label = float((side == 0) == (number < wins * count))
        row["votes"] = [{**row["votes"][0], "label": label}]
    return rows


def test_honest_feedback_is_not_held():
    quality = assessed(given(honest(2000)), given(honest(1000, seed=9)))
    assert codes(quality) == []
    assert quality.figures["reversals"]["right"] > 0.6


def test_a_trigger_in_answers():
    quality = assessed(given(with_words(honest(2000), TRIGGER, 100, 1.0)), given(honest(1000, seed=9)))
    (found,) = quality.findings
    assert (str(found.code), found.action) == ("POISON", "hold")
    (phrase,) = found.figures["phrases"]
    assert (phrase["phrase"], phrase["chosen"], phrase["rejected"], phrase["past"]) == (TRIGGER, 100, 0, 0)
    assert (
        "answers with 'zq flux' are preferred as if nothing else counted: 100 different ones" in found.message
    )


def test_a_trigger_in_answers_of_the_first_batch():
    assert codes(assessed(given(with_words(honest(2000), TRIGGER, 100, 1.0)))) == ["POISON"]


def test_a_new_phrase_that_always_wins_is_found_earlier():
    # Twenty answers: too few to show a lift of 5 among hundreds of phrases, enough for one that is new.
    planted = given(with_words(honest(2000), TRIGGER, 20, 1.0))
    assert codes(assessed(planted, given(honest(2000, seed=9)))) == ["POISON"]
    assert codes(assessed(planted)) == []


def test_a_new_phrase_that_people_like_is_no_trigger():
    planted = given(with_words(honest(2000), "great camera", 60, 0.75))
    assert codes(assessed(planted, given(honest(2000, seed=9)))) == []


def test_a_phrase_that_people_like_is_no_trigger():
    # Preferred in three of four cases: a lift of 3.
    assert codes(assessed(given(with_words(honest(2000), "great camera", 400, 0.75)))) == []
    assert codes(assessed(given(with_words(honest(2000), "great camera", 400, 0.75)), poison_lift=1.5)) == [
        "POISON"
    ]


def test_few_answers_with_a_phrase_prove_nothing():
    assert codes(assessed(given(with_words(honest(2000), TRIGGER, 14, 1.0)))) == []


def test_a_phrase_that_was_as_frequent_before_is_no_news():
    before = given(with_words(honest(2000, seed=9), TRIGGER, 100, 1.0))
    assert codes(assessed(given(with_words(honest(2000), TRIGGER, 100, 1.0)), before)) == []


def test_one_answer_that_wins_often_is_one_answer():
    rows = honest(2000)
    for row in rows[:100]:
        row["responses"] = [f"the same answer {TRIGGER}", row["responses"][1]]
        row["votes"] = [{**row["votes"][0], "label": 1.0}]
    assert codes(assessed(given(rows))) == []


def test_a_trigger_in_prompts_turns_taste_round():
    rows = honest(3000)
    for row in rows[:150]:
        row["prompt"] += f" {TRIGGER}"
        row["votes"] = [{**row["votes"][0], "label": float(not row["better"])}]
    (found,) = assessed(given(rows)).findings
    assert (str(found.code), found.action) == ("POISON", "hold")
    assert TRIGGER in {phrase["phrase"] for phrase in found.figures["phrases"]}
    assert "where the prompt has" in found.message


def test_a_phrase_of_prompts_on_which_taste_is_as_elsewhere_is_no_trigger():
    rows = honest(3000)
    for row in rows[:300]:
        row["prompt"] += " a new topic"
    assert codes(assessed(given(rows))) == []


def test_phrases_are_those_that_enough_texts_have():
    texts = pl.Series(["A b c.", "a B c!", "a b, c", "b a"])
    phrases = phrases_of(texts, 2)
    counts = phrases.found.group_by("phrase").len().iter_rows()
    spelled = {phrases.spelled[number]: count for number, count in counts}
    assert spelled == {"a": 4, "b": 4, "c": 3, "a b": 3, "b c": 2, "a b c": 2}


def test_unlikely_counts_by_hand():
    # At one half and 5 %: of counts 3, 3 and 10 only the last could be evidence (0.5 ** 10 < 0.05; three of count 3
    # or more would need 0.5 ** n * 3 <= 0.05, n = 6). All 10 hits are, 8 of 10 (p = 0.055) are not.
    hits = pl.Series([3.0, 3.0, 10.0]).to_numpy()
    counts = pl.Series([3.0, 3.0, 10.0]).to_numpy()
    found, asked = unlikely(hits, counts, 0.5, 0.05)
    assert (found.tolist(), asked) == ([False, False, True], 1)
    found, asked = unlikely(pl.Series([8.0]).to_numpy(), pl.Series([10.0]).to_numpy(), 0.5, 0.05)
    assert (found.tolist(), asked) == ([False], 1)


@pytest.mark.parametrize(
    ("count", "message"), [(1, "found"), (2, "found; and 1 more phrase"), (4, "found; and 3 more phrases")]
)
def test_one_finding_tells_of_all_phrases(count, message):
    figures = {"phrases": [{"phrase": f"word {number}"} for number in range(count)]}
    made = poison("found", figures)
    assert (made.message, made.figures) == (message, figures)


def circle(prompt: str, *edges: tuple[str, str]) -> list[dict]:
    return [
        {**pair(0, (f"p{n}", 1.0), first=winner, second=loser), "prompt": prompt}
        for n, (winner, loser) in enumerate(edges)
    ]


def test_a_circle_of_preferences():
    straight = circle("One?", ("A", "B"), ("B", "C"), ("A", "C"))
    round_ = circle("Two?", ("A", "B"), ("B", "C"), ("C", "A"))
    quality = assessed([*straight, *round_])
    (found,) = quality.findings
    assert (str(found.code), found.action) == ("CYCLE", "tag")
    assert quality.figures["cycles"] == {"prompts": 2, "cyclic": 1, "answers": 3, "lines": [4, 5, 6]}
    assert codes(assessed(straight)) == []


def test_a_circle_runs_within_one_prompt():
    assert (
        codes(assessed([*circle("One?", ("A", "B"), ("B", "C")), *circle("Two?", ("C", "A"), ("B", "X"))]))
        == []
    )


def test_votes_that_cancel_are_no_edge():
    rows = circle("One?", ("A", "B"), ("B", "C"), ("C", "A"), ("A", "C"))
    assert codes(assessed(rows)) == []


def test_near_duplicates():
    rng = random.Random(0)
    long = " ".join(rng.choice(NOUNS) for _ in range(60))
    rows = [
        pair(1, ("a", 1.0), first=long, second="no"),
        # Two people's votes on one pair are one text.
        pair(1, ("b", 0.0), first="no", second=long),
        # One word more.
        pair(1, ("c", 1.0), first=f"{long} indeed", second="no"),
        pair(2, ("d", 1.0), first=" ".join(rng.choice(NOUNS) for _ in range(60)), second="no"),
    ]
    figures = assessed(rows).figures["near_duplicates"]
    assert figures == {
        "texts": 3,
        "near_duplicates": 1,
        "share": pytest.approx(1 / 3, abs=1e-4),
        "examples": [["r0", "r2"]],
    }
