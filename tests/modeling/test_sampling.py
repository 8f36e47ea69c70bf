import pytest
import torch
from modeling.tiny_models import FAMILIES, policy, saved_policy, tokenizer

from components.modeling.generation import generate_responses
from components.modeling.logprobs import response_logprobs
from components.modeling.padding import pad
from components.modeling.sampling import _samples, sample

TOK = tokenizer()
PROMPTS = [[5, 6, 7, 8], [9, 10], [11, 12, 13]]


def draw(model, prompts, temperature=1.0, seed=0, max_tokens=10):
    ids, mask = pad(prompts, TOK.pad_token_id, "left")
    samples = sample(
        model,
        ids,
        mask,
        max_tokens=max_tokens,
        temperature=temperature,
        eos_id=TOK.eos_token_id,
        pad_id=TOK.pad_token_id,
        generator=torch.Generator().manual_seed(seed),
    )
    return ids, mask, samples


def test_the_mask_ends_with_the_first_eos():
    eos = 0
    tokens = torch.tensor([[4, 0, 0, 3], [4, 5, 6, 7], [0, 4, 4, 4]])
    samples = _samples(tokens, eos, torch.tensor([True, False, True]))
    assert samples.mask.tolist() == [[True, True, False, False], [True] * 4, [True, False, False, False]]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_cache_computes_what_the_whole_forward_computes(family):
    """Near-greedy sampling through the cache picks the argmax of the uncached forward at every step."""
    torch.manual_seed(0)
    model = policy(family, TOK)
    ids, mask, samples = draw(model, PROMPTS, temperature=1e-4)
    whole, whole_mask = torch.cat([ids, samples.tokens], 1), torch.cat([mask, samples.mask], 1)
    logprobs = response_logprobs(model, whole, whole_mask, samples.tokens.shape[1], temperature=1e-4)
    assert logprobs[samples.mask].exp().min() > 0.9


def test_frequencies_follow_the_temperature():
    """4,000 first tokens against softmax(logits / T) of a plain forward."""
    torch.manual_seed(0)
    model = policy("gpt2", TOK)
    model.lm_head.weight.data.mul_(20)
    expected = (model(torch.tensor([PROMPTS[0]])).logits[0, -1] / 1.7).softmax(-1)
    _, _, samples = draw(model, [PROMPTS[0]] * 4000, temperature=1.7, max_tokens=1)
    observed = torch.bincount(samples.tokens[:, 0], minlength=len(TOK)) / 4000
    error = (expected * (1 - expected) / 4000).sqrt()
    top = expected.topk(5).indices
    assert ((observed - expected).abs()[top] < 4.5 * error[top]).all()


def test_the_same_seed_gives_the_same_answer_and_another_another(tmp_path):
    folder = saved_policy(tmp_path, "gpt2")
    first = generate_responses(folder, ["the battery", "a price"], n=3, temperature=1.0, seed=4)
    again = generate_responses(folder, ["the battery", "a price"], n=3, temperature=1.0, seed=4)
    other = generate_responses(folder, ["the battery", "a price"], n=3, temperature=1.0, seed=5)
    assert first == again != other
    assert [len(answers) for answers in first] == [3, 3]
    assert len(set(first[0])) > 1
