"""What goes to the reward model, what to the judge, and what the rows tell of it."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from components.choosing.batch import Chosen, choose_batch
from components.choosing.belief import Belief
from components.choosing.pool import AnswerPair
from components.choosing.prompts import ask_about, read_prompts
from components.choosing.tasks import INFORMATIVE, task_of
from components.config import PrepareParams
from components.errors import FeedbackError
from components.feedback.splits import role_of, split_of
from components.records import Prompt

SHARES = PrepareParams(
    validation_share=0.1,
    test_share=0.2,
    judge_share=0.35,
    chosen_as_demonstrations="auto",
    min_demonstrations=1,
    votes="mean",
    automatic_share=0.2,
)


def pool(name, prompts, each=3):
    return [
        AnswerPair(f"{name} {at}", f"first {n}", f"second {n}") for at in range(prompts) for n in range(each)
    ]


def unsure(pairs):
    """The later a pair, the less is known of it; its margin is its place."""
    return Belief(torch.arange(len(pairs)).double() / 100, torch.diag(1 + torch.arange(len(pairs)).double()))


def refuse(pairs):
    raise AssertionError("nobody may be asked")


def test_the_judge_gets_its_part_at_random_and_chooses_nothing():
    reward, judge = pool("reward", 30), pool("judge", 10)
    asked = []

    def believe(pairs):
        asked.extend(pairs)
        return unsure(pairs)

    chosen = choose_batch(reward, judge, believe, 20, 0.2, seed=3)
    assert asked == reward
    # 10 of 40 prompts are the judge's: 5 of 20 pairs; of the other 15 a fifth.
    assert Counter((each.role, each.why) for each in chosen) == {
        ("judge", "random"): 5,
        ("reward", "random"): 3,
        ("reward", "information"): 12,
    }
    assert all((each.information is None) == (each.role == "judge") for each in chosen)
    assert all(each.pair.prompt.startswith(each.role) for each in chosen)
    assert len({each.pair.prompt for each in chosen}) == 20


def test_margins_are_those_of_the_pair():
    reward = pool("reward", 8, each=1)
    chosen = choose_batch(reward, [], unsure, 4, 0.0, seed=1)
    assert all(each.margin == reward.index(each.pair) / 100 for each in chosen)
    assert {each.pair for each in chosen} == set(reward[4:])


def test_whoever_stops_in_the_middle_has_judged_of_all_kinds():
    chosen = choose_batch(pool("reward", 60), pool("judge", 30), unsure, 60, 0.3, seed=4)
    first = Counter((each.role, each.why) for each in chosen[:30])
    assert len(first) == 3
    assert chosen != choose_batch(pool("reward", 60), pool("judge", 30), unsure, 60, 0.3, seed=5)


def test_without_a_prompt_of_the_reward_model_nothing_is_asked_of_it():
    assert len(choose_batch([], pool("judge", 4), refuse, 3, 0.2, seed=1)) == 3
    assert choose_batch([], [], refuse, 3, 0.2, seed=1) == []


def test_a_row_does_not_tell_by_its_order_who_answered():
    chosen = Chosen(AnswerPair("p", "one", "two"), "information", "reward", 0.25, 1.5)
    row = task_of(chosen, ("champion 1", "candidate 2"), swapped=False, language="en")
    turned = task_of(chosen, ("champion 1", "candidate 2"), swapped=True)
    assert (row["response_a"], row["response_b"], row["language"]) == ("one", "two", "en")
    assert row["why"] == {
        "chosen_by": "information",
        "teaches": "reward model",
        "information_bits": 0.25,
        "margin": 1.5,
        "model_a": "champion 1",
        "model_b": "candidate 2",
    }
    assert (turned["response_a"], turned["response_b"], turned["why"]["margin"]) == ("two", "one", -1.5)
    assert (turned["why"]["model_a"], "language" in turned) == ("candidate 2", False)
    # One pair has one id, in either order.
    assert row["id"] == turned["id"]


def test_the_id_tells_why():
    pair = AnswerPair("p", "one", "two")
    by_information, by_chance = (
        task_of(Chosen(pair, why, "judge"), ("m", "m"), swapped=False)["id"]
        for why in ("information", "random")
    )
    assert by_information.startswith(INFORMATIVE)
    assert not by_chance.startswith(INFORMATIVE)


def test_examining_prompts_are_not_asked_about():
    prompts = [Prompt(f"Review phone {number}.") for number in range(400)]
    asked = ask_about(prompts, 1000, SHARES, seed=1)
    assert {split_of(row.prompt, 0.1, 0.2) for row in asked.reward + asked.judge} == {"train"}
    assert {role_of(row.prompt, 0.35) for row in asked.reward} == {"reward"}
    assert {role_of(row.prompt, 0.35) for row in asked.judge} == {"judge"}
    held_out = sum(split_of(row.prompt, 0.1, 0.2) != "train" for row in prompts)
    assert asked.held_out == held_out == 400 - len(asked.reward) - len(asked.judge) > 0


def test_so_many_prompts_and_no_more():
    prompts = [Prompt(f"Review phone {number}.") for number in range(400)]
    one, other = (ask_about(prompts, 30, SHARES, seed) for seed in (1, 2))
    assert len(one.reward) + len(one.judge) == 30
    assert one.reward != other.reward


def test_prompts_from_a_file(tmp_path):
    path = tmp_path / "prompts.jsonl"
    path.write_text(
        '﻿{"prompt": "One.", "x": 1}\n\n{"prompt": "one. "}\n{"prompt": "Two."}\n', encoding="utf-8"
    )
    assert [row.prompt for row in read_prompts(path)] == ["One.", "Two."]


@pytest.mark.parametrize("line", [b'{"text": "x"}', b'{"prompt": " "}', b"[1]", b"x", b'{"prompt": "\xff"}'])
def test_a_line_without_a_prompt_is_named(tmp_path, line):
    path = tmp_path / "prompts.jsonl"
    path.write_bytes(b'{"prompt": "One."}\n' + line)
    with pytest.raises(FeedbackError, match=r"prompts\.jsonl") as caught:
        read_prompts(path)
    assert "line 2" in caught.value.message or b"\xff" in line
    assert '{"prompt":' in caught.value.remedy
