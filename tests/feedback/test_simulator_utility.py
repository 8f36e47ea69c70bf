"""The simulator's true utility: values worked out by hand from its weights."""

import random

import pytest

from components.feedback.simulator import bayes_accuracy, features_of, gold_utility, gold_wins
from components.feedback.simulator.grammar import every_sentence, write_answer, write_requests
from components.feedback.simulator.lexicon import ASPECTS
from components.records import Preference

BATTERY = "Review the Luma 5 for gamers and mention the battery."
UNITS = {fact.unit for facts in ASPECTS.values() for fact in facts}
BOTH = "Tell nurses about the battery and the camera of the Orbi Pro."


@pytest.mark.parametrize(
    ("response", "utility"),
    [
        # two facts 2.0 + asked aspect mentioned 0.5
        ("The battery lasts 18 hours, which is great. The battery survives 3 days, which is weak.", 2.5),
        # two facts 2.0, nothing about what was asked
        ("The camera has 50 megapixels, which is great. The camera zooms 5 times, which is weak.", 2.0),
        ("The battery lasts 18 hours.", 1.5),
        # praise weighed against criticism 1.0 + on topic 0.5
        ("The battery is good but the camera is poor.", 1.5),
        # one unit is one fact
        ("The battery lasts 18 hours. The battery lasts 24 hours.", 1.5),
        # a number that nobody believes is no fact
        ("The battery lasts 900 hours.", 0.5),
        # on topic 0.5, a rude word -1.5
        ("The battery is garbage. It suits gamers.", -1.0),
        # on topic 0.5, two filler phrases -1.6
        ("To be honest, the battery is good. It is what it is.", -1.1),
        # fact and topic 1.5, said twice -1.0
        ("The battery lasts 18 hours. The battery lasts 18 hours.", 0.5),
        # fact and topic 1.5, no full stop -1.5
        ("The battery lasts 18 hours", 0.0),
        # on topic 0.5, two of six neighbourhoods unheard of -2.0
        ("The battery lasts 18 gadgets.", -1.5),
        ("Zorp flurb.", -6.0),
        ("", -20.0),
        (" ... !", -20.0),
        # on topic 0.5, two sentences over four -1.0
        ("The battery is good. It suits gamers. I would buy it again. My friend has one too. "
         "I used the Luma 5 for 2 weeks. The screen is good.", -0.5),
    ],
)  # fmt: skip
def test_utility_of_an_answer(response: str, utility: float) -> None:
    assert gold_utility(BATTERY, response) == pytest.approx(utility)


def test_half_of_the_asked_aspects_is_half_on_topic() -> None:
    assert features_of(BOTH, "The camera is good.").on_topic == 0.5
    assert features_of(BOTH, "The camera is good but the battery is weak.").on_topic == 1.0


def test_a_fact_needs_its_aspect_in_the_same_sentence() -> None:
    assert features_of(BATTERY, "The battery is good. The camera lasts 18 hours.").facts == 0


def test_balance_is_within_a_sentence() -> None:
    assert features_of(BATTERY, "The battery is good. The camera is poor.").balanced == 0
    weighed = "The {} is good but the {} is poor."
    said = [
        weighed.format(*pair) for pair in (("battery", "camera"), ("price", "sound"), ("screen", "weight"))
    ]
    assert [features_of(BATTERY, " ".join(said[:n])).balanced for n in (1, 2, 3)] == [1, 2, 2]


def test_facts_saturate_at_three() -> None:
    answer = "The battery lasts 18 hours. The battery survives 3 days. The camera zooms 5 times."
    assert features_of(BOTH, answer).facts == 3
    assert features_of(BOTH, answer + " The price is 200 dollars.").facts == 3


def test_nobody_measures_the_same_thing_twice() -> None:
    rng = random.Random(4)
    for request in write_requests(rng, 300):
        units = [
            word
            for word in write_answer(rng, request, 1.0).replace(".", "").replace(",", "").split()
            if word in UNITS
        ]
        assert len(units) == len(set(units))


def test_a_prompt_that_asks_for_nothing_known_earns_nothing() -> None:
    assert gold_utility("Tell me a joke.", "The battery is good.") == 0.0


@pytest.mark.parametrize("text", ["\x00", "é" * 5000, "1" * 5000 + " hours.", "₂ hours. ² days", "?!?"])
def test_any_text_has_a_utility(text: str) -> None:
    assert gold_utility(text, text) <= 0


def test_nothing_the_grammar_writes_is_garbled() -> None:
    rng = random.Random(3)
    for request in write_requests(rng, 300):
        assert features_of(request.text, write_answer(rng, request, rng.random())).garbled == 0
    assert features_of(BATTERY, ". ".join(every_sentence())).garbled == 0


def test_gold_wins_counts_equals_half() -> None:
    better, worse = "The battery lasts 18 hours.", "The battery is good."
    assert gold_wins(BATTERY, better, worse) == 1.0
    assert gold_wins(BATTERY, worse, better) == 0.0
    assert gold_wins(BATTERY, "The battery is good.", "The battery is weak.") == 0.5


def test_bayes_accuracy_by_hand() -> None:
    better, worse, equal = "The battery lasts 18 hours.", "The battery is good.", "The battery is weak."
    judged = [
        Preference(BATTERY, better, worse, weight=2.0),  # right: 2
        Preference(BATTERY, worse, better, probability=0.6),  # wrong: 0
        Preference(BATTERY, worse, equal),  # equally good: 1/2
        Preference(BATTERY, worse, better, probability=0.5),  # a tie has no label
    ]
    assert bayes_accuracy(judged) == pytest.approx(2.5 / 4)
    assert bayes_accuracy(judged[3:]) is None


def test_choosing_by_utility_beats_not_choosing() -> None:
    """The best of 4 beats a fifth answer in 0.8 of cases at most, of 16 in 16/17; ties cost a little."""
    rng = random.Random(5)
    wins_of_4 = wins_of_16 = 0.0
    for request in write_requests(rng, 400):
        other, *answers = (write_answer(rng, request, rng.uniform(0, 0.8)) for _ in range(17))
        ranked = sorted(answers, key=lambda answer: gold_utility(request.text, answer))
        best_of_4 = max(answers[:4], key=lambda answer: gold_utility(request.text, answer))
        wins_of_4 += gold_wins(request.text, best_of_4, other)
        wins_of_16 += gold_wins(request.text, ranked[-1], other)
    assert wins_of_4 / 400 > 0.74
    assert wins_of_16 / 400 > 0.88
