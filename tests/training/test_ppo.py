import copy
import dataclasses

import pytest
import torch
from modeling.tiny_models import FAMILIES, FORMAT, saved_policy, tokenizer

from components.config import PpoParams
from components.modeling.loading import load_policy, new_reward_model
from components.training import ppo
from components.training.ppo import Targets, compute_targets, prompt_rounds, train_ppo
from components.training.rollouts import RolloutSampler

TOK = tokenizer()
PROMPTS = ["the battery", "a camera", "price", "it was a fair screen"]
PARAMS = PpoParams(
    iterations=2,
    rollouts=4,
    epochs=2,
    minibatches=2,
    learning_rate=1e-3,
    critic_learning_rate=1e-3,
    kl_coef=0.05,
    gamma=1.0,
    lam=0.95,
    clip_eps=0.2,
    value_clip=0.2,
    temperature=0.9,
    missing_eos_score=-7.0,
    target_kl=0.5,
    max_grad_norm=1.0,
)


def count_as(prompts, responses):
    return [float(response.count("a")) for response in responses]


@pytest.fixture
def sampler(tmp_path, request):
    torch.manual_seed(0)
    folder = saved_policy(tmp_path / "sft", getattr(request, "param", "gpt2"))
    model, tok, fmt = load_policy(folder)
    return RolloutSampler(
        policy=model,
        reference=load_policy(folder)[0].requires_grad_(False),
        critic=new_reward_model(folder)[0],
        tokenizer=tok,
        text_format=fmt,
        score_texts=count_as,
        temperature=0.9,
        missing_eos_score=-7.0,
    )


def collect(sampler, seed=0):
    return sampler.collect(PROMPTS, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("sampler", FAMILIES, indirect=True)
def test_before_any_update_kl_is_0_and_the_first_ratio_is_1(sampler):
    rollouts = collect(sampler)
    real = rollouts.response_mask
    assert torch.equal(rollouts.old_logprobs[real], rollouts.ref_logprobs[real])
    optimization = ppo._optimization(sampler.policy, 1e-3, PARAMS)
    targets = compute_targets(rollouts, PARAMS)
    first = ppo._policy_step(rollouts, targets, optimization, PARAMS)
    assert (first["ratio"], first["clip_fraction"], first["approx_kl"]) == (1.0, 0.0, 0.0)
    assert ppo._policy_step(rollouts, targets, optimization, PARAMS)["ratio"] != 1.0


@torch.no_grad()
def test_old_logprobs_are_those_of_the_tokens_that_were_sampled(sampler):
    rollouts = collect(sampler)
    for b, prompt in enumerate(PROMPTS):
        prompt_ids = FORMAT.prompt_ids(TOK, prompt)
        response = rollouts.ids[b, -rollouts.response_mask.shape[1] :][rollouts.response_mask[b]].tolist()
        table = (sampler.policy(torch.tensor([prompt_ids + response])).logits[0] / 0.9).log_softmax(-1)
        expected = [table[len(prompt_ids) - 1 + t, token].item() for t, token in enumerate(response)]
        got = rollouts.old_logprobs[b][rollouts.response_mask[b]].tolist()
        assert got == pytest.approx(expected, abs=1e-5)


@torch.no_grad()
def test_values_stand_before_their_token_and_the_bootstrap_after_the_last(sampler):
    # An EOS as likely as not: both kinds of ending in one batch.
    rollouts = collect(sampler)
    for b, prompt in enumerate(PROMPTS):
        prompt_ids = FORMAT.prompt_ids(TOK, prompt)
        response = rollouts.ids[b, -rollouts.response_mask.shape[1] :][rollouts.response_mask[b]].tolist()
        hidden = sampler.critic.transformer(torch.tensor([prompt_ids + response])).last_hidden_state
        states = sampler.critic.score(hidden)[0, len(prompt_ids) - 1 :, 0]
        got = rollouts.values[b][rollouts.response_mask[b]]
        assert got.tolist() == pytest.approx(states[:-1].tolist(), abs=1e-5)
        after = 0.0 if rollouts.ended[b] else states[-1].item()
        assert rollouts.bootstrap[b].item() == pytest.approx(after, abs=1e-5)


def force_eos(model, logit):
    """A policy whose EOS logit is shifted: it always, or never, ends at once."""
    eos = TOK.eos_token_id
    model.get_output_embeddings().register_forward_hook(
        lambda module, inputs, output: output.index_fill(-1, torch.tensor([eos]), logit)
    )


def test_a_response_without_eos_gets_the_fixed_score(sampler):
    force_eos(sampler.policy, -1e9)
    rollouts = collect(sampler)
    assert not rollouts.ended.any()
    assert rollouts.scores.tolist() == [-7.0] * 4
    assert (rollouts.bootstrap != 0).all()


def test_an_empty_answer_is_one_eos_and_keeps_its_own_score(sampler):
    force_eos(sampler.policy, 1e9)
    rollouts = collect(sampler)
    assert rollouts.ended.all()
    assert rollouts.response_mask.sum(1).tolist() == [1] * 4
    assert rollouts.scores.tolist() == [0.0] * 4
    assert rollouts.bootstrap.tolist() == [0.0] * 4


def test_targets_by_hand(sampler):
    """One response of two tokens, no values: advantage = reward to go, whitened; the KL penalty is in it."""
    rollouts = collect(sampler)
    one = rollouts.select(torch.tensor([0]))
    fields = {
        "response_mask": torch.tensor([[True, True, False]]),
        "old_logprobs": torch.tensor([[-1.0, -2.0, 9.0]]),
        "ref_logprobs": torch.tensor([[-1.5, -1.0, -9.0]]),
        "values": torch.zeros(1, 3),
        "bootstrap": torch.zeros(1),
        "scores": torch.tensor([3.0]),
    }
    targets = compute_targets(dataclasses.replace(one, **fields), PARAMS)
    # rewards -0.05 * 0.5 = -0.025 and 3 + 0.05 = 3.05; A2 = 3.05, A1 = -0.025 + 0.95 * 3.05
    assert targets.returns[0].tolist() == pytest.approx([2.8725, 3.05, 0.0])
    assert targets.advantages[0].tolist() == pytest.approx([-1.0, 1.0, 0.0], abs=1e-4)


def test_minibatches_are_the_same_update_as_their_rows_whatever_the_garbage(sampler):
    """What stands behind the mask never reaches the loss."""
    rollouts = collect(sampler)
    targets = compute_targets(rollouts, PARAMS)
    behind = ~rollouts.response_mask
    dirty = dataclasses.replace(rollouts, old_logprobs=rollouts.old_logprobs.masked_fill(behind, 5.0))
    spoiled = Targets(targets.advantages.masked_fill(behind, 99.0), targets.returns.masked_fill(behind, 99.0))
    losses = []
    for part, aims in ((rollouts, targets), (dirty, spoiled)):
        twin = copy.deepcopy(sampler.policy)
        losses.append(
            ppo._policy_step(part, aims, ppo._optimization(twin, 1e-3, PARAMS), PARAMS)["policy_loss"]
        )
    assert losses[0] == losses[1]


def test_ppo_learns_the_one_token_that_is_rewarded_and_the_reference_stays(sampler):
    """A response that ends itself scores 1, any other 0: the random policy ends 3 % of its own accord."""
    before = copy.deepcopy(sampler.reference.state_dict())
    sampler = dataclasses.replace(sampler, score_texts=lambda p, r: [1.0] * len(r), missing_eos_score=0.0)
    params = PARAMS.model_copy(
        update={"iterations": 30, "rollouts": 32, "epochs": 4, "learning_rate": 1e-2, "kl_coef": 0.0}
    )
    rates = []
    train_ppo(sampler, PROMPTS, params, 0, lambda metrics, step: rates.append(metrics["eos_rate"]))
    assert sum(rates[:3]) / 3 < 0.2
    assert sum(rates[-3:]) / 3 > 0.8
    for name, value in sampler.reference.state_dict().items():
        assert torch.equal(value, before[name])


def test_the_same_seed_gives_the_same_run(tmp_path):
    histories = []
    folder = saved_policy(tmp_path, "gpt2")
    for _ in range(2):
        torch.manual_seed(0)
        critic = new_reward_model(folder)[0]
        model, tok, fmt = load_policy(folder)
        sampler = RolloutSampler(model, load_policy(folder)[0], critic, tok, fmt, count_as, 0.9, -7.0)
        history = []
        train_ppo(sampler, PROMPTS, PARAMS, 5, lambda metrics, step, h=history: h.append(metrics))
        histories.append(history)
    assert histories[0] == histories[1]


def test_updates_stop_when_the_policy_has_moved_enough(sampler):
    updates = []
    params = PARAMS.model_copy(update={"target_kl": 1e-9, "iterations": 1, "epochs": 3})
    train_ppo(sampler, PROMPTS, params, 0, lambda metrics, step: updates.append(metrics["updates"]))
    # the first step has ratio 1 and KL 0; the second sees the move and is the last.
    assert updates == [2.0]


def test_every_prompt_once_before_any_comes_again():
    rounds = prompt_rounds(list("abcde"), 2, torch.Generator().manual_seed(0))
    drawn = [prompt for _ in range(5) for prompt in next(rounds)]
    assert sorted(drawn[:5]) == sorted(drawn[5:]) == list("abcde")
