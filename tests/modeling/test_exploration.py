"""What is drawn, how often, and with which probability it is put down."""

import math

import pytest
import torch
from modeling.tiny_models import lift, packing, plain_logprobs, plain_policy, tokenizer

from components.modeling.exploration import Exploration, behaviour
from components.modeling.sampling import draw_dice, sample
from components.modeling.turns import _draw

TOK = tokenizer()
VOCAB = len(TOK)
PROMPT = [5, 6, 7, 8]
DRAWS = 4000
#: The likeliest first in the second place, so that order of token and order of probability differ.
LITERAL = torch.tensor([[0.3, 0.5, 0.05, 0.15]]).log()


def pair():
    torch.manual_seed(0)
    plain = plain_policy("gpt2", TOK)
    # Peaked enough that temperature, truncation and mixing show.
    lift(lift(plain, 9, 5.0), 11, 4.5)
    return plain, packing(plain)


def draw(model, count, limit, explore, seed=0):
    dice = draw_dice(count, limit, torch.Generator().manual_seed(seed))
    return sample(
        model, [PROMPT] * count, dice, explore=explore, eos_id=TOK.eos_token_id, pad_id=TOK.pad_token_id
    )


def first_token(plain, temperature):
    """[V] probabilities, from a plain forward."""
    with torch.no_grad():
        return (plain(torch.tensor([PROMPT])).logits[0, -1].double() / temperature).softmax(-1)


def assert_frequencies(tokens, expected):
    """Each of the likely tokens within 4.5 standard errors: one seed in some ten thousand would fail."""
    observed = torch.bincount(tokens, minlength=VOCAB) / len(tokens)
    error = (expected * (1 - expected) / len(tokens)).sqrt()
    likely = expected.topk(8).indices
    assert ((observed - expected).abs()[likely] <= 4.5 * error[likely]).all()
    # All the others together, which catches a die that falls behind the last token.
    # Where these are all there are, the sum may be a hair above 1.
    rest = (1 - expected[likely].sum()).clamp(min=0)
    left = 1 - observed[likely].sum()
    assert abs(left - rest) < 4.5 * (rest * (1 - rest) / len(tokens)).sqrt() + 1e-12


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.7])
def test_frequencies_follow_the_temperature(temperature):
    plain, model = pair()
    tokens = draw(model, DRAWS, 1, Exploration(temperature)).tokens[:, 0]
    assert_frequencies(tokens, first_token(plain, temperature))


def test_epsilon_draws_uniform_tokens_now_and_then():
    plain, model = pair()
    samples = draw(model, DRAWS, 1, Exploration(epsilon=0.4))
    policy = first_token(plain, 1.0)
    assert_frequencies(samples.tokens[:, 0], 0.6 * policy + 0.4 / VOCAB)
    unlikely = policy[samples.tokens[:, 0]] < 0.1 / VOCAB
    assert unlikely.sum() > 50


def test_epsilon_puts_down_the_probability_of_the_mixture():
    plain, model = pair()
    samples = draw(model, 5, 8, Exploration(temperature=1.3, epsilon=0.3))
    for b in range(5):
        real = samples.mask[b]
        policy = plain_logprobs(plain, PROMPT, samples.tokens[b][real].tolist(), 1.3)
        mixed = [math.log(0.7 * math.exp(logprob) + 0.3 / VOCAB) for logprob in policy]
        assert samples.logprobs[b][real].tolist() == pytest.approx(policy, abs=2e-5)
        assert samples.behaviour[b][real].tolist() == pytest.approx(mixed, abs=2e-5)
        assert (samples.behaviour[b][~real] == 0).all()


@pytest.mark.parametrize(
    ("explore", "expected"),
    [
        (Exploration(), [0.3, 0.5, 0.05, 0.15]),
        (Exploration(top_k=2), [0.375, 0.625, 0, 0]),
        (Exploration(top_k=1), [0, 1, 0, 0]),
        (Exploration(top_k=9), [0.3, 0.5, 0.05, 0.15]),
        # 0.5 is not enough, so the token that crosses 0.7 counts too.
        (Exploration(top_p=0.7), [0.375, 0.625, 0, 0]),
        (Exploration(top_p=0.9), [0.3 / 0.95, 0.5 / 0.95, 0, 0.15 / 0.95]),
        # Less than the likeliest token has: that one is left.
        (Exploration(top_p=0.01), [0, 1, 0, 0]),
        (Exploration(top_k=3, top_p=0.7), [0.375, 0.625, 0, 0]),
        (Exploration(epsilon=0.2), [0.29, 0.45, 0.09, 0.17]),
        # The uniform tokens are drawn from the whole vocabulary, after the truncation.
        (Exploration(top_k=2, epsilon=0.2), [0.35, 0.55, 0.05, 0.05]),
    ],
)
def test_the_distribution_by_hand(explore, expected):
    assert behaviour(LITERAL, explore).exp()[0].tolist() == pytest.approx(expected, abs=1e-6)


def test_equal_logits_are_cut_to_exactly_top_k():
    assert (behaviour(torch.full((2, 8), -math.log(8)), Exploration(top_k=3)) > -20).sum(1).tolist() == [3, 3]


@pytest.mark.parametrize("explore", [Exploration(1.3, top_k=5), Exploration(1.3, top_p=0.3)])
def test_truncated_sampling_stays_in_the_support_and_renormalises(explore):
    plain, model = pair()
    probabilities = first_token(plain, 1.3)
    ordered = probabilities.sort(descending=True)
    size = 5 if explore.top_k else int((ordered.values.cumsum(0) < 0.3).sum()) + 1
    assert 1 < size < 20
    kept = ordered.indices[:size]
    samples = draw(model, DRAWS, 1, explore)
    tokens = samples.tokens[:, 0]
    assert set(tokens.tolist()) == set(kept.tolist())
    expected = torch.zeros(VOCAB, dtype=torch.float64)
    expected[kept] = probabilities[kept] / probabilities[kept].sum()
    assert_frequencies(tokens, expected)
    # The policy's own logprob is not renormalised: that is what it would be trained on.
    torch.testing.assert_close(
        samples.logprobs[:, 0].double(), probabilities[tokens].log(), rtol=0, atol=2e-5
    )
    torch.testing.assert_close(samples.behaviour[:, 0].double(), expected[tokens].log(), rtol=0, atol=2e-5)


@pytest.mark.parametrize("die", [0.0, 2**-24, 0.5, 1 - 2**-24])
@pytest.mark.parametrize("vocab", [3, 320, 50_257])
def test_no_die_picks_a_token_of_probability_zero(die, vocab):
    """Sums over a vocabulary miss 1 by rounding: the largest die must not fall beyond the last possible token."""
    logits = 4 * torch.randn(64, vocab, generator=torch.Generator().manual_seed(0))
    logits[:, 0] = logits[:, -1] = -1e9
    logits[:, vocab // 2 + 1 : -1] = -1e9
    tokens, policy, drawn_from = _draw(logits, torch.full((64,), die), Exploration())
    assert (tokens > 0).all()
    assert (tokens <= vocab // 2).all()
    assert torch.isfinite(policy).all()
    assert torch.equal(policy, drawn_from)


@pytest.mark.parametrize("die", [0.0, 1 - 2**-24])
def test_no_die_picks_a_truncated_token(die):
    logits = torch.randn(64, 320, generator=torch.Generator().manual_seed(0))
    tokens, _, drawn_from = _draw(logits, torch.full((64,), die), Exploration(top_k=2))
    ranks = (logits > logits.gather(1, tokens[:, None])).sum(1)
    assert (ranks < 2).all()
    assert torch.isfinite(drawn_from).all()


def test_a_die_says_which_token_by_hand():
    # Cumulative: 0.3, 0.8, 0.85, 1.
    dice = torch.tensor([0.0, 0.29, 0.31, 0.79, 0.81, 0.84, 0.86, 0.99])
    tokens, _, _ = _draw(LITERAL.expand(8, 4), dice, Exploration())
    assert tokens.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_dice_are_one_stream_of_the_seed():
    first, again = (draw_dice(3, 4, torch.Generator().manual_seed(7)) for _ in range(2))
    assert torch.equal(first, again)
    assert len(set(first.flatten().tolist())) == 12
    assert first.min() >= 0
    assert first.max() < 1
