"""Sampled responses against plain forwards of the same tokens, each sequence alone."""

import pytest
import torch
from modeling.tiny_models import ALL_FAMILIES, lift, packing, plain_logprobs, plain_policy, tokenizer

from components.modeling import decoding
from components.modeling.exploration import Exploration
from components.modeling.sampling import draw_dice, sample
from components.modeling.value_head import attach_value_head, values_of

TOK = tokenizer()
EOS, PAD = TOK.eos_token_id, TOK.pad_token_id
PROMPTS = [[5, 6, 7, 8, 9], [10, 11], [12], [13, 14, 15], [16, 17, 18, 19, 20, 21, 22], [23, 24]]
#: Makes an EOS about one token in eight: responses of every length, some of them cut.
OFTEN = 4.5


def pair(family, eos=OFTEN):
    """A plain model and its packing twin, with a value head on both."""
    torch.manual_seed(0)
    plain = lift(plain_policy(family, TOK), EOS, eos)
    attach_value_head(plain)
    torch.nn.init.normal_(plain.value_head.weight)
    return plain, packing(plain)


def draw(model, prompts, dice, explore=None, values=True):
    return sample(
        model,
        prompts,
        dice,
        explore=explore or Exploration(),
        eos_id=EOS,
        pad_id=PAD,
        value_head=(lambda states: values_of(model, states)) if values else None,
    )


def dice_of(count, limit, seed=0):
    return draw_dice(count, limit, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("family", ALL_FAMILIES)
def test_logprobs_are_those_of_the_plain_forward_at_the_temperature(family):
    plain, model = pair(family)
    samples = draw(model, PROMPTS, dice_of(6, 12), Exploration(temperature=1.3))
    assert 0 < samples.ended.sum() < 6
    for b, prompt in enumerate(PROMPTS):
        real = samples.mask[b]
        expected = plain_logprobs(plain, prompt, samples.tokens[b][real].tolist(), 1.3)
        # float32 through two layers, the cache's sums in another order.
        assert samples.logprobs[b][real].tolist() == pytest.approx(expected, abs=2e-5)
    assert torch.equal(samples.behaviour, samples.logprobs)


@pytest.mark.parametrize("family", ALL_FAMILIES)
@torch.no_grad()
def test_values_are_those_of_the_states_before_each_token_and_after_the_last(family):
    plain, model = pair(family)
    samples = draw(model, PROMPTS, dice_of(6, 12))
    for b, prompt in enumerate(PROMPTS):
        response = samples.tokens[b][samples.mask[b]].tolist()
        output = plain(torch.tensor([[*prompt, *response]]), output_hidden_states=True)
        states = output.hidden_states[-1][0, len(prompt) - 1 :]
        expected = plain.value_head(states)[:, 0]
        if samples.ended[b]:
            # An ending is worth nothing: its state is not even read.
            expected[-1] = 0.0
        assert samples.values[b, : len(response) + 1].tolist() == pytest.approx(expected.tolist(), abs=2e-5)
        assert (samples.values[b, len(response) + 1 :] == 0).all()
    assert (samples.values[~samples.ended][:, -1] != 0).all()


def test_a_response_ends_with_its_first_eos():
    _, model = pair("gpt2")
    samples = draw(model, PROMPTS * 4, dice_of(24, 12))
    assert 0 < samples.ended.sum() < 24
    for tokens, mask, ended in zip(
        samples.tokens.tolist(), samples.mask.tolist(), samples.ended, strict=True
    ):
        length = tokens.index(EOS) + 1 if EOS in tokens else 12
        assert ended == (EOS in tokens)
        assert mask == [True] * length + [False] * (12 - length)
        assert tokens[length:] == [PAD] * (12 - length)
    for table in (samples.logprobs, samples.behaviour):
        assert (table[~samples.mask] == 0).all()
        assert (table[samples.mask] < 0).all()


def test_a_prompt_that_holds_an_eos_ends_nothing():
    plain, model = pair("gpt2", eos=-1e9)
    samples = draw(model, [[5, EOS, 6], [EOS], [EOS, EOS]], dice_of(3, 5))
    assert samples.mask.all()
    assert not samples.ended.any()
    expected = plain_logprobs(plain, [EOS], samples.tokens[1].tolist())
    assert samples.logprobs[1].tolist() == pytest.approx(expected, abs=2e-5)


def test_sampling_stops_when_all_have_ended():
    _, model = pair("gpt2", eos=1e9)
    samples = draw(model, PROMPTS, dice_of(6, 12))
    assert samples.tokens.tolist() == [[EOS]] * 6
    assert samples.mask.all()
    assert samples.ended.all()
    assert samples.values.shape == (6, 2)


@pytest.mark.parametrize("values", [True, False])
def test_a_limit_of_one_token(values):
    plain, model = pair("gpt2", eos=1.0)
    samples = draw(model, PROMPTS, dice_of(6, 1), values=values)
    assert samples.tokens.shape == samples.mask.shape == samples.logprobs.shape == (6, 1)
    assert samples.values.shape == (6, 2)
    assert samples.mask.all()
    for prompt, token, logprob in zip(PROMPTS, samples.tokens, samples.logprobs, strict=True):
        assert logprob.item() == pytest.approx(plain_logprobs(plain, prompt, token.tolist())[0], abs=2e-5)
    assert (samples.values.abs() > 0).all() == values


def test_the_value_head_changes_nothing_that_is_sampled():
    _, model = pair("llama")
    with_values, without = (draw(model, PROMPTS, dice_of(6, 12), values=values) for values in (True, False))
    assert torch.equal(with_values.tokens, without.tokens)
    assert torch.equal(with_values.logprobs, without.logprobs)
    assert (without.values == 0).all()


def rows_of(samples):
    """Per row: its real tokens, and their logprobs and values."""
    for b, mask in enumerate(samples.mask):
        length = int(mask.sum())
        yield (
            samples.tokens[b, :length].tolist(),
            samples.logprobs[b, :length].tolist(),
            samples.values[b, : length + 1].tolist(),
        )


def assert_same_rows(got, expected):
    for (tokens, logprobs, values), (tokens_2, logprobs_2, values_2) in zip(got, expected, strict=True):
        assert tokens == tokens_2
        assert logprobs == pytest.approx(logprobs_2, abs=2e-5)
        assert values == pytest.approx(values_2, abs=2e-5)


@pytest.mark.parametrize("family", ["gpt2", "mistral", "gemma3"])
def test_a_row_is_sampled_alike_alone_in_another_batch_and_in_another_order(family):
    """Each row has dice of its own: what shares its batch, or its process, is nothing to it."""
    _, model = pair(family)
    dice = dice_of(6, 12)
    whole = list(rows_of(draw(model, PROMPTS, dice)))
    for order in ([5, 4, 3, 2, 1, 0], [1, 4], [3], [2, 2, 0]):
        part = draw(model, [PROMPTS[i] for i in order], dice[order])
        assert_same_rows(rows_of(part), [whole[i] for i in order])


def test_other_dice_give_other_responses():
    _, model = pair("gpt2")
    first, again, other = (draw(model, PROMPTS, dice_of(6, 12, seed)) for seed in (0, 0, 1))
    assert torch.equal(first.tokens, again.tokens)
    assert first.tokens.tolist() != other.tokens.tolist()


@pytest.mark.parametrize("family", ["gpt2", "mistral", "gemma3"])
def test_dropping_done_rows_changes_nothing(family, monkeypatch):
    _, model = pair(family)
    widths, found = {}, {}
    for share in (0.0, decoding.DROP_SHARE, 1.0):
        monkeypatch.setattr(decoding, "DROP_SHARE", share)
        seen = widths[share] = []
        note = model.register_forward_pre_hook(
            lambda module, args, kwargs, seen=seen: seen.append(len(kwargs["input_ids"])), with_kwargs=True
        )
        found[share] = list(rows_of(draw(model, PROMPTS, dice_of(6, 12))))
        note.remove()
    # The prompts are one row; then all six are carried to the end, or only those that go on.
    assert widths[1.0] == [1] + [6] * 12
    assert widths[0.0][1] <= 6
    assert widths[0.0][-1] < 6
    assert sorted(widths[0.0][1:], reverse=True) == widths[0.0][1:]
    assert_same_rows(found[0.0], found[1.0])
    assert_same_rows(found[decoding.DROP_SHARE], found[1.0])


def test_prompts_longer_than_a_window_and_responses_that_leave_it():
    """Mistral looks four tokens back: the cache must hide what lies further, in prompts of any length."""
    plain, model = pair("mistral", eos=-1e9)
    prompts = [list(range(5, 25)), [30], list(range(40, 44))]
    samples = draw(model, prompts, dice_of(3, 30))
    for prompt, tokens, logprobs in zip(prompts, samples.tokens, samples.logprobs, strict=True):
        expected = plain_logprobs(plain, prompt, tokens.tolist())
        assert logprobs.tolist() == pytest.approx(expected, abs=2e-5)
