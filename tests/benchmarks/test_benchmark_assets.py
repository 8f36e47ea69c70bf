"""The random models that both sides load: they stop by themselves, and score around zero."""

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

from benchmarks.assets import LENGTH_SHARE, make_assets
from benchmarks.data import EOS_ID, FIRST_WORD, PAD_ID, text
from benchmarks.shapes import SHAPES, Shape
from benchmarks.stopping import mean_length, stopping_weight
from benchmarks.worker import POLICY, REWARD

TINY = SHAPES["tiny"]


#: Two layers of the Llama shape: with an untied head, stopping depends on the text far more than with a tied one.
LLAMA = Shape("llama", "llama", 2, 64, 4, 128, vocab=512, response_tokens=32, kv_heads=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("assets")
    make_assets(TINY, path)
    return path


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    path = tmp_path_factory.mktemp("llama")
    make_assets(LLAMA, path)
    return path


def test_mean_length_by_hand():
    # 1 token with probability 0.5, 2 with 0.25, else 3
    assert mean_length(torch.tensor([[0.5, 0.5, 0.5]])) == pytest.approx(0.5 * 1 + 0.25 * 2 + 0.25 * 3)
    # The first always has 3, the second always 1.
    assert mean_length(torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])) == pytest.approx(2.0)


def test_the_weight_gives_the_length():
    others = torch.linspace(-6.0, 1.0, 40).reshape(5, 8)
    weight = stopping_weight(lambda weight: others + weight, 4.5)
    assert mean_length(torch.sigmoid(others + weight)) == pytest.approx(4.5, abs=1e-5)


@pytest.mark.parametrize(("made_of", "shape"), [("folder", TINY), ("llama", LLAMA)])
def test_responses_stop_where_they_should(made_of, shape, request):
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_pretrained(request.getfixturevalue(made_of) / POLICY)
    prompts = torch.randint(FIRST_WORD, shape.vocab, (256, 12))
    limit = shape.response_tokens
    made = model.generate(
        prompts, attention_mask=torch.ones_like(prompts), max_new_tokens=limit, do_sample=True, top_k=0
    )
    responses = made[:, 12:]
    ends = (responses == EOS_ID).long()
    mean = (ends.cumsum(1) - ends == 0).sum(1).float().mean().item()
    # The mean of 256 lengths varies by a token or so.
    assert mean == pytest.approx(LENGTH_SHARE * limit, abs=3)
    assert not ((responses == PAD_ID) & (ends.cumsum(1) == 0)).any()


def test_scores_are_around_zero(folder):
    torch.manual_seed(2)
    model = AutoModelForSequenceClassification.from_pretrained(folder / REWARD)
    rows, ends = torch.arange(200), torch.randint(25, 100, (200,))
    texts = torch.randint(FIRST_WORD, TINY.vocab, (200, 100))
    texts[rows, ends] = EOS_ID
    after = torch.arange(100) > ends.unsqueeze(1)
    with torch.no_grad():
        scores = model(texts.masked_fill(after, PAD_ID)).logits.squeeze(1)
    assert abs(scores.mean().item()) < 0.3
    assert 0.7 < scores.std().item() < 1.3


def test_text_becomes_the_same_tokens_again(folder):
    tokens = [7, 2, TINY.vocab - 1, EOS_ID]
    assert AutoTokenizer.from_pretrained(folder / POLICY)(text(tokens))["input_ids"] == tokens
