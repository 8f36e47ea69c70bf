"""What one round says of its responses, against plain forwards of each alone."""

import dataclasses

import pytest
import torch
from modeling.tiny_models import ALL_FAMILIES, FAMILIES, FORMAT, plain_logprobs
from training.policy_case import EOS, PROMPTS, TOK, make_case

from components.modeling.text_format import TextFormat


def real(rollouts, table):
    """The real entries of each row of a [B, T] table."""
    return [row[mask].tolist() for row, mask in zip(table, rollouts.response_mask, strict=True)]


@pytest.mark.parametrize("family", ALL_FAMILIES)
def test_policy_and_reference_logprobs_are_those_of_the_plain_forward(family, tmp_path):
    case = make_case(tmp_path, family)
    rollouts = case.collect()
    assert 0 < rollouts.ended.sum() < 8
    for row, ours, theirs, prompt in zip(
        rollouts.rows,
        real(rollouts, rollouts.logprobs),
        real(rollouts, rollouts.ref_logprobs),
        PROMPTS,
        strict=True,
    ):
        assert row.prompt == FORMAT.prompt_ids(TOK, prompt)
        expected = plain_logprobs(case.sampler.reference, row.prompt, row.response, 0.9)
        # float32, and the temperature of 0.9 in all of them.
        assert ours == pytest.approx(expected, abs=2e-5)
        assert theirs == pytest.approx(expected, abs=2e-5)
    assert torch.equal(rollouts.behaviour, rollouts.logprobs)


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_a_critic_of_its_own_reads_the_states_before_each_token_and_after_the_last(family, tmp_path):
    case = make_case(tmp_path, family, missing_eos_score=None)
    rollouts = case.collect()
    assert 0 < rollouts.ended.sum() < 8
    for b, row in enumerate(rollouts.rows):
        states = case.critic.base_model(torch.tensor([row.ids])).last_hidden_state
        values = case.critic.score(states)[0, len(row.prompt) - 1 :, 0].tolist()
        assert real(rollouts, rollouts.values)[b] == pytest.approx(values[:-1], abs=2e-5)
        after = 0.0 if rollouts.ended[b] else values[-1]
        assert rollouts.bootstrap[b].item() == pytest.approx(after, abs=2e-5)
    assert (rollouts.values[~rollouts.response_mask] == 0).all()


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_a_shared_trunk_reads_the_policys_own_states(family, tmp_path):
    case = make_case(tmp_path, family, critic="shared", missing_eos_score=None)
    policy = case.sampler.policy
    assert (case.collect().values == 0).all()
    torch.nn.init.normal_(policy.value_head.weight)
    rollouts = case.collect()
    assert 0 < rollouts.ended.sum() < 8
    for b, row in enumerate(rollouts.rows):
        states = policy(torch.tensor([row.ids]), output_hidden_states=True).hidden_states[-1]
        values = policy.value_head(states)[0, len(row.prompt) - 1 :, 0].tolist()
        assert real(rollouts, rollouts.values)[b] == pytest.approx(values[:-1], abs=2e-5)
        after = 0.0 if rollouts.ended[b] else values[-1]
        assert rollouts.bootstrap[b].item() == pytest.approx(after, abs=2e-5)


@pytest.mark.parametrize("algorithm", ["rloo", "grpo"])
def test_without_a_critic_nothing_is_worth_anything(algorithm, tmp_path):
    case = make_case(tmp_path, algorithm=algorithm, samples_per_prompt=2)
    assert case.critic is None
    assert case.learners.critic is None
    rollouts = case.collect()
    assert (rollouts.values == 0).all()
    assert (rollouts.bootstrap == 0).all()


def test_scores_are_those_of_the_texts_unless_the_response_was_cut(tmp_path):
    rollouts = make_case(tmp_path).collect()
    for row, score, ended in zip(rollouts.rows, rollouts.scores.tolist(), rollouts.ended, strict=True):
        text = TOK.decode(row.response, skip_special_tokens=True)
        assert score == (text.count("a") if ended else -7.0)
        assert ended == (row.response[-1] == EOS)


def test_a_response_without_eos_gets_the_fixed_score(tmp_path):
    rollouts = make_case(tmp_path, eos=-1e9).collect()
    assert not rollouts.ended.any()
    assert rollouts.scores.tolist() == [-7.0] * 8
    # That score is all that it is worth.
    assert (rollouts.bootstrap == 0).all()
    assert rollouts.response_mask.all()


def test_a_cut_without_a_score_of_its_own_is_worth_what_the_critic_says(tmp_path):
    rollouts = make_case(tmp_path, eos=-1e9, missing_eos_score=None).collect()
    assert rollouts.scores.tolist() == [0.0] * 8
    assert (rollouts.bootstrap != 0).all()


def test_an_empty_answer_is_one_eos_and_keeps_its_own_score(tmp_path):
    rollouts = make_case(tmp_path, eos=1e9).collect()
    assert rollouts.ended.all()
    assert [row.response for row in rollouts.rows] == [[EOS]] * 8
    assert rollouts.scores.tolist() == [0.0] * 8
    assert rollouts.bootstrap.tolist() == [0.0] * 8


class EndedPrompts(TextFormat):
    """Prompts that hold an EOS, as chat templates of several turns do."""

    def prompt_ids(self, tokenizer, prompt):
        return [EOS, *super().prompt_ids(tokenizer, prompt), EOS]


@pytest.mark.parametrize(("eos", "ended"), [(-1e9, False), (1e9, True)])
def test_the_eos_trick_looks_at_the_response_alone(tmp_path, eos, ended):
    case = make_case(tmp_path, eos=eos)
    case.sampler = dataclasses.replace(case.sampler, text_format=EndedPrompts("{prompt}\n", 16, 12))
    rollouts = case.collect()
    assert all(row.prompt[0] == row.prompt[-1] == EOS for row in rollouts.rows)
    assert rollouts.ended.tolist() == [ended] * 8
    assert rollouts.scores.tolist() == [0.0 if ended else -7.0] * 8


def test_answers_to_one_prompt_lie_side_by_side_and_differ(tmp_path):
    case = make_case(tmp_path, samples_per_prompt=2)
    rollouts = case.collect()
    assert rollouts.groups.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    for group, prompt in enumerate(PROMPTS[:4]):
        first, second = rollouts.rows[2 * group : 2 * group + 2]
        assert first.prompt == second.prompt == FORMAT.prompt_ids(TOK, prompt)
        assert first.response != second.response


def test_the_same_dice_give_the_same_round(tmp_path):
    case = make_case(tmp_path)
    first, again, other = case.collect(seed=3), case.collect(seed=3), case.collect(seed=4)
    assert first.rows == again.rows != other.rows
    assert torch.equal(first.logprobs, again.logprobs)


def test_exploration_goes_into_the_behaviour_and_nowhere_else(tmp_path):
    case = make_case(tmp_path, epsilon=0.3, top_k=50)
    rollouts = case.collect()
    expected = [
        plain_logprobs(case.sampler.reference, row.prompt, row.response, 0.9) for row in rollouts.rows
    ]
    for found in (rollouts.logprobs, rollouts.ref_logprobs):
        for row, plain in zip(real(rollouts, found), expected, strict=True):
            assert row == pytest.approx(plain, abs=2e-5)
    difference = (rollouts.behaviour - rollouts.logprobs)[rollouts.response_mask]
    assert (difference.abs() > 0.01).float().mean() > 0.8
