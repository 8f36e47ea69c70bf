"""Minibatches of everything that was said of a prompt: who goes where, and that no answer is encoded twice."""

import math

import pytest
import torch
from modeling.tiny_models import FORMAT, saved_policy, tokenizer
from training.histories import History
from training.preference_rows import COMMON

from components.config import RewardParams
from components.modeling.loading import new_reward_model
from components.records import Preference
from components.training.batching import group_batches
from components.training.encoding import Encoded
from components.training.learner import Compute
from components.training.prompt_groups import AnswerTable, count_lessons, plan_lessons
from components.training.reward_model import EncodedPair, encode_preferences, train_reward_model
from components.training.run import Run

TOK = tokenizer()
#: All pairs of a ranking of three, of a ranking of two, and a pair that was judged alone.
RANKED = [
    Preference("the battery", "it lasts long", "it is a battery", weight=2 / 3),
    Preference("the battery", "it lasts long", "long", weight=2 / 3),
    Preference("the screen", "sharp", "dim"),
    Preference("the battery", "it is a battery", "long", weight=2 / 3),
    Preference("the price", "fair", "a price"),
]


def params(**changes):
    return RewardParams(**({"epochs": 1, "learning_rate": 3e-3, "centering": 0.0} | COMMON | changes))


def pair(prompt, chosen, rejected):
    return EncodedPair(Encoded([prompt], chosen), Encoded([prompt], rejected), 1.0, 1.0)


def test_an_answer_stands_in_the_table_once():
    first, second = pair(1, [5, 6], [7]), pair(1, [7], [8, 9])
    table = AnswerTable([first])
    assert table.tokens_with(second) == 3 + 2 + 3
    table.add(second)
    assert [row.ids for row in table.rows] == [[1, 5, 6], [1, 7], [1, 8, 9]]
    assert table.tokens == 8
    assert table.tokens_with(second) == 8
    assert [table.place(answer) for answer in second.answers] == [1, 2]
    # The same response to another prompt is another answer.
    assert AnswerTable([first, pair(2, [5, 6], [7])]).tokens == 3 + 2 + 3 + 2


@pytest.mark.parametrize("seed", range(5))
def test_all_pairs_of_a_prompt_are_in_one_minibatch(seed):
    pairs = [pair(prompt, [10 + n], [20 + n]) for n in range(6) for prompt in range(30)]
    lessons = plan_lessons(pairs, params(epochs=2, batch_size=12), seed, 10_000)
    assert len(lessons.plan) == 2 * 15
    for epoch in (lessons.plan[:15], lessons.plan[15:]):
        seen = [sorted(i for unit in step for i in lessons.units[unit]) for step in epoch]
        assert sorted(i for step in seen for i in step) == list(range(180))
        assert all(len(step) == 12 for step in seen)
        assert all(len({i % 30 for i in step}) == 2 for step in seen)


def test_sizes_stay_near_the_batch_size_and_a_long_ranking_has_a_step_of_its_own():
    sizes = [1, 3, 6, 2, 10, 1] * 40 + [200]
    lengths = [float(n % 17) for n in range(len(sizes))]
    batches = group_batches(lengths, sizes, 32, torch.Generator().manual_seed(0))
    assert sorted(i for batch in batches for i in batch) == list(range(len(sizes)))
    totals = sorted(sum(sizes[i] for i in batch) for batch in batches)
    assert totals[-1] == 200
    # Half a group of ten more or less at either end.
    assert all(22 <= total <= 42 for total in totals[:-1])
    # 920 others in two windows of about 460, each of 15.
    assert len(totals) == 1 + 30


def test_groups_of_like_length_are_together():
    lengths = [float(index % 50) for index in range(1000)]
    batches = group_batches(lengths, [1] * 1000, 8, torch.Generator().manual_seed(0))
    assert {len(batch) for batch in batches} == {7, 8}
    assert len(batches) == 128
    spread = [max(lengths[i] for i in batch) - min(lengths[i] for i in batch) for batch in batches]
    # Random batches of 8 out of 0..49 spread over about 38.
    assert sum(spread) / len(spread) < 8
    assert batches != group_batches(lengths, [1] * 1000, 8, torch.Generator().manual_seed(1))


def test_a_prompt_with_more_pairs_than_a_minibatch_is_dealt_in_quarters_of_one():
    """20 pairs on one prompt and 4 on another, 8 a minibatch: ten parts of 2 and one group of 4 make 3 steps."""
    pairs = [pair(1, [n], [n + 100]) for n in range(20)] + [pair(2, [n], [n + 100]) for n in range(4)]
    lessons = plan_lessons(pairs, params(batch_size=8, epochs=1), 0, 1000)
    assert sorted(map(len, lessons.units)) == [2] * 10 + [4]
    assert len(lessons.plan) == 3
    assert sorted(unit for step in lessons.plan for unit in step) == list(range(11))


def test_a_prompt_with_too_many_answers_goes_in_parts_through_one_step():
    pairs = [pair(1, [5] * 3, [n] * 3) for n in range(6, 12)]
    lessons = plan_lessons(pairs, params(batch_size=6), 0, 12)
    # Four tokens an answer: the shared one and two rivals fit.
    assert lessons.units == [[0, 1], [2, 3], [4, 5]]
    assert lessons.tokens == [12, 12, 12]
    assert lessons.plan == [[0, 1, 2]]
    assert plan_lessons(pairs, params(batch_size=6), 0, 1).units == [[n] for n in range(6)]


@pytest.mark.parametrize("batch_size", [1, 2, 3, 5])
def test_steps_are_counted_before_they_are_made(tmp_path, batch_size):
    torch.manual_seed(0)
    model, _, _ = new_reward_model(saved_policy(tmp_path, "gpt2"))
    pairs, history = encode_preferences(TOK, FORMAT, RANKED), History()
    learning = params(epochs=3, batch_size=batch_size)
    expected = count_lessons(pairs, learning, 4)
    train_reward_model(model, pairs, learning, Run(4, history))
    assert history.of("step") == list(range(1, expected + 1))
    # The schedule ends with the last step.
    assert history[-1]["learning_rate"] == pytest.approx(3e-3 / expected)


def test_each_prompt_and_each_answer_is_read_once_a_step(tmp_path):
    torch.manual_seed(0)
    model, _, _ = new_reward_model(saved_policy(tmp_path, "gpt2"))
    pairs, read = encode_preferences(TOK, FORMAT, RANKED), []
    embedding = model.get_input_embeddings()
    embedding.register_forward_pre_hook(lambda module, inputs: read.append(inputs[0].numel()))
    train_reward_model(model, pairs, params(batch_size=5), Run(0, History()))
    # Ten sides of five pairs, but three of them stand twice in the ranking of three.
    answers = {(tuple(row.prompt), tuple(row.response)) for pair in pairs for row in pair.answers}
    assert len(answers) == 7
    prompts = {prompt for prompt, _ in answers}
    assert len(prompts) < len(answers)
    assert read == [sum(map(len, prompts)) + sum(len(response) for _, response in answers)]


@pytest.mark.parametrize("tokens", [1, 20, 10_000])
def test_shared_answers_and_portions_change_no_figure(tmp_path, tokens):
    torch.manual_seed(0)
    model, _, _ = new_reward_model(saved_policy(tmp_path, "gpt2"))
    pairs, history = encode_preferences(TOK, FORMAT, RANKED), History()
    expected = 0.0
    with torch.no_grad():
        for row in pairs:
            ends = [model.base_model(torch.tensor([a.ids])).last_hidden_state[0, -1] for a in row.answers]
            better, worse = (model.score(end).item() for end in ends)
            expected += row.weight * math.log(1 + math.exp(worse - better)) / 5
    run = Run(0, history, Compute(microbatch_tokens=tokens))
    train_reward_model(model, pairs, params(batch_size=5), run)
    assert history[0]["loss"] == pytest.approx(expected, rel=1e-4)
