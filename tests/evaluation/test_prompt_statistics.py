"""Relevance and copying: by hand, and what gibberish, a copycat and one answer to everything look like."""

from __future__ import annotations

import pytest

from components.evaluation.prompt_statistics import (
    PromptStatistics,
    copied_share,
    describe_beside_prompts,
    relevance,
)

PROMPTS = [
    "How do I bake bread without an oven at home?",
    "Why is the sky blue in the morning?",
    "Which river runs through the middle of Prague?",
    "Explain how a bicycle stays upright when moving.",
]
GOOD = [
    "You can bake bread in a covered pan on the stove.",
    "The sky is blue because air scatters blue light.",
    "That river is the Vltava, which flows north through Prague.",
    "A moving bicycle steers itself under its centre of mass.",
]


def test_relevance_by_hand() -> None:
    """Each answer is one word: its own prompt's word or another's, so cosines are 1 and 0."""
    assert relevance(["bread", "sky"], ["bread", "sky"]) == pytest.approx(1.0)
    assert relevance(["sky", "bread"], ["bread", "sky"]) == pytest.approx(-1.0)
    assert relevance(["sky", "sky"], ["bread", "sky"]) == pytest.approx(0.0)
    assert relevance(["bread", "moon"], ["bread", "sky"]) == pytest.approx(0.5)


def test_answers_to_the_point_stand_out() -> None:
    good = relevance(GOOD, PROMPTS)
    gibberish = relevance(["zq xv", "wk wk jq", "vlm", "qq rr ss"], PROMPTS)
    collapsed = relevance(["The sky is blue."] * 4, PROMPTS)
    shuffled = relevance(GOOD[1:] + GOOD[:1], PROMPTS)
    copied = relevance(PROMPTS, PROMPTS)
    assert None not in (good, gibberish, collapsed, shuffled, copied)
    assert gibberish == 0.0
    assert collapsed == pytest.approx(0.0, abs=1e-9)
    assert shuffled < 0.02
    assert 0.2 < good < copied


def test_the_same_prompt_again_is_not_another_prompt() -> None:
    """Other prompts of the first and second answer: the third alone. Cosines 1, 1, 1 less 0."""
    assert relevance(["bread", "bread", "sky"], ["bread", "bread", "sky"]) == pytest.approx(1.0)
    assert relevance(["bread", "bread"], ["bread", "bread"]) is None
    assert relevance(["bread"], ["bread"]) is None


@pytest.mark.parametrize("answers", [["", ""], ["!", "?"]])
def test_answers_without_words_are_about_nothing(answers: list[str]) -> None:
    assert relevance(answers, ["bread", "sky"]) == 0.0
    assert relevance(answers, ["...", "?!"]) == 0.0


def test_words_of_one_letter_and_of_other_scripts_count() -> None:
    assert relevance(["x", "хлеб"], ["x", "хлеб"]) == pytest.approx(1.0)


def test_copied_share_by_hand() -> None:
    """a b c d e f has 3 fours; abcd is in the prompt, the others not. The second answer has none."""
    assert copied_share(["a b c d e f", "a b c"], ["z a b c d z", "a b c"]) == pytest.approx(1 / 3)


def test_capitals_and_signs_hide_no_copy() -> None:
    assert copied_share(["A, B; C - D! E"], ["a b c d e"]) == 1.0
    assert copied_share(["a-b-c-d"], ["a b c d"]) == 1.0


def test_each_answer_is_held_against_its_own_prompt() -> None:
    assert copied_share(PROMPTS, PROMPTS) == 1.0
    assert copied_share(PROMPTS[1:] + PROMPTS[:1], PROMPTS) == 0.0


def test_repeating_a_copied_run_copies_more() -> None:
    """a b c d a b c d: fours abcd, bcda, cdab, dabc, abcd; two of five are in the prompt."""
    assert copied_share(["a b c d a b c d"], ["a b c d"]) == pytest.approx(2 / 5)


def test_short_answers_alone_copy_nothing() -> None:
    assert copied_share(["yes it is"], ["yes it is"]) == 0.0


def test_both_together() -> None:
    assert describe_beside_prompts(["bread", "sky"], ["bread", "sky"]) == PromptStatistics(
        relevance=pytest.approx(1.0), copied_share=0.0
    )


@pytest.mark.parametrize(("answers", "prompts"), [([], []), (["a"], ["a", "b"])])
def test_answers_and_prompts_must_match(answers: list[str], prompts: list[str]) -> None:
    with pytest.raises(ValueError, match="answers to"):
        describe_beside_prompts(answers, prompts)
