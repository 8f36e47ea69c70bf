"""The random models that both sides load: they stop by themselves, and score around zero."""

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

from benchmarks.assets import LENGTH_SHARE, make_assets
from benchmarks.data import EOS_ID, FIRST_WORD, PAD_ID, text
from benchmarks.shapes import SHAPES
from benchmarks.stopping import mean_length, stop_probability
from benchmarks.worker import POLICY, REWARD

TINY = SHAPES["tiny"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("assets")
    make_assets(TINY, path)
    return path


def test_mean_length_by_hand():
    # 1 token with probability 0.5, 2 with 0.25, else 3
    assert mean_length(0.5, 3) == pytest.approx(0.5 * 1 + 0.25 * 2 + 0.25 * 3)
    assert mean_length(stop_probability(48, 0.6), 48) == pytest.approx(0.6 * 48)


def test_responses_stop_where_they_should(folder):
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_pretrained(folder / POLICY)
    prompts = torch.randint(FIRST_WORD, TINY.vocab, (256, 12))
    limit = TINY.response_tokens
    made = model.generate(
        prompts, attention_mask=torch.ones_like(prompts), max_new_tokens=limit, do_sample=True, top_k=0
    )
    responses = made[:, 12:]
    ends = (responses == EOS_ID).long()
    mean = (ends.cumsum(1) - ends == 0).sum(1).float().mean().item()
    # The mean of 256 lengths varies by a token or so.
    assert mean == pytest.approx(LENGTH_SHARE * limit, abs=5)
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
