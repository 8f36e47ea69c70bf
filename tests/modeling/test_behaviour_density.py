"""The probability that is put down for a token is the one it was drawn with, whatever exploring is combined."""

import pytest
import torch
from modeling.test_exploration import LITERAL, PROMPT, TOK, VOCAB, first_token, pair
from transformers.generation.logits_process import (
    LogitsProcessorList,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from components.modeling.exploration import Exploration, behaviour
from components.modeling.sampling import sample

COMBINED = [
    Exploration(0.7, top_k=20, top_p=0.6),
    Exploration(1.3, top_k=3, epsilon=0.25),
    Exploration(1.3, top_p=0.4, epsilon=0.25),
    Exploration(0.9, top_k=12, top_p=0.5, epsilon=0.4),
]


def warped(logits, explore):
    """[V] what transformers' own generation would draw from, and then the mixture with uniform tokens."""
    chain = LogitsProcessorList([TemperatureLogitsWarper(explore.temperature)])
    if explore.top_k:
        chain.append(TopKLogitsWarper(explore.top_k))
    if explore.top_p < 1:
        chain.append(TopPLogitsWarper(explore.top_p))
    probabilities = chain(None, logits.unsqueeze(0))[0].softmax(-1)
    return (1 - explore.epsilon) * probabilities + explore.epsilon / len(logits)


def test_top_p_is_a_share_of_what_top_k_has_left():
    """0.5 and 0.3 are left, which is 0.625 and 0.375: the first alone holds 0.6. Of the whole it would not."""
    found = behaviour(LITERAL, Exploration(top_k=2, top_p=0.6)).exp()[0]
    assert found.tolist() == pytest.approx([0.0, 1.0, 0.0, 0.0])
    found = behaviour(LITERAL, Exploration(top_p=0.6)).exp()[0]
    assert found.tolist() == pytest.approx([0.375, 0.625, 0.0, 0.0])


@pytest.mark.parametrize("explore", COMBINED)
def test_it_is_the_distribution_of_transformers_own_warpers(explore):
    logits = 3 * torch.randn(200, 50, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for row in logits:
        policy = (row / explore.temperature).log_softmax(-1)
        # float64: nothing but the order of additions differs.
        torch.testing.assert_close(
            behaviour(policy.unsqueeze(0), explore).exp()[0], warped(row, explore), rtol=1e-9, atol=1e-12
        )


@pytest.mark.parametrize("explore", COMBINED)
def test_a_token_gets_as_many_dice_as_its_probability_says(explore):
    """Not by chance: 2,000 evenly spread dice, of which a token of probability p must get 2,000 p, give or take one."""
    plain, model = pair()
    count = 2000
    dice = ((torch.arange(count) + 0.5) / count).unsqueeze(1)
    samples = sample(
        model, [PROMPT] * count, dice, explore=explore, eos_id=TOK.eos_token_id, pad_id=TOK.pad_token_id
    )
    tokens = samples.tokens[:, 0]
    expected = warped(first_token(plain, 1.0).log(), explore)
    shares = torch.bincount(tokens, minlength=VOCAB)
    assert (shares - count * expected).abs().max() <= 1.01
    torch.testing.assert_close(samples.behaviour[:, 0].double(), expected[tokens].log(), rtol=0, atol=1e-4)
    # What is trained is the policy at its temperature, not what it explored with.
    policy = first_token(plain, explore.temperature)
    torch.testing.assert_close(samples.logprobs[:, 0].double(), policy[tokens].log(), rtol=0, atol=1e-4)


def test_top_p_of_1_cuts_no_token_off_by_rounding():
    """Sums over a vocabulary may reach 1 before its last token."""
    logprobs = torch.randn(8, 50_257, generator=torch.Generator().manual_seed(0)).log_softmax(-1)
    found = behaviour(logprobs, Exploration(top_k=50_000, top_p=1.0))
    assert torch.isfinite(found).sum(-1).tolist() == [50_000] * 8
