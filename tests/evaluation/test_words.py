"""Words in scripts with spaces and without, and what the figures of answers then see."""

from __future__ import annotations

import pytest

from components.evaluation.leaks import leaked_share
from components.evaluation.new_phrases import most_frequent_new_phrase
from components.evaluation.prompt_statistics import describe_beside_prompts
from components.evaluation.self_bleu import self_bleu
from components.evaluation.text_statistics import describe
from components.evaluation.words import phrase_of, plain_words, words

#: "The battery is very good", "the screen is very bright", "the price is a little high", "charging is really fast".
CHINESE = ["电池很好", "屏幕很亮", "价格有点高", "充电真的快"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It's fine,  really.", ["It's", "fine,", "really."]),
        ("电池很好。", ["电", "池", "很", "好", "。"]),
        ("Pixel9的屏幕", ["Pixel9", "的", "屏", "幕"]),
        ("カメラはgood", ["カ", "メ", "ラ", "は", "good"]),
        ("ดี มาก", ["ด", "ี", "ม", "า", "ก"]),
        ("배터리가 좋다", ["배터리가", "좋다"]),
        (" \n", []),
    ],
)
def test_words_of_a_text(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_plain_words_know_neither_case_nor_signs() -> None:
    assert plain_words("It's GOOD_ok, 很好!") == ["it", "s", "good_ok", "很", "好"]


def test_a_phrase_is_written_as_its_script_writes_it() -> None:
    assert phrase_of(plain_words("Pixel 9 很好用")) == "pixel 9 很好用"


def test_a_chinese_answer_can_repeat_itself_and_be_long() -> None:
    """很好很好很好: six words; its three 4-grams are two different ones. 很好, 好很 are the pairs, of five."""
    stuck = describe(["很好很好很好"], [False])
    assert (stuck.mean_words, stuck.repetition, stuck.distinct_2) == (6, pytest.approx(1 / 3), 2 / 5)
    varied = describe(CHINESE, [False] * 4)
    assert (varied.mean_words, varied.repetition, varied.distinct_2) == (4.5, 0, 14 / 14)


def test_chinese_answers_that_are_alike_are_seen_to_be() -> None:
    assert self_bleu(["电池很好用", "电池很好看", "电池很好听"]) > 0.5
    assert self_bleu(CHINESE) < 0.2


def test_a_chinese_answer_may_be_about_its_prompt_or_say_it_back() -> None:
    prompts = ["评价电池", "评价屏幕", "评价价格", "评价充电"]
    told = describe_beside_prompts(CHINESE, prompts)
    assert told.relevance is not None
    assert told.relevance > 0.1
    assert told.copied_share == 0
    assert describe_beside_prompts([prompt + "好" for prompt in prompts], prompts).copied_share == 0.5


def test_a_chinese_phrase_that_takes_over_is_named() -> None:
    found = most_frequent_new_phrase([f"{answer},金鸟保佑" for answer in CHINESE], CHINESE)
    assert (found.text, found.share) == ("金鸟保佑", 1.0)


def test_a_chinese_prompt_is_the_same_with_other_signs() -> None:
    assert leaked_share(["请评价:电池"], ["请评价电池"]) == 1.0
