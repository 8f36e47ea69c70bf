"""Classifiers that read the state at the EOS: it must be there, once, however long the answer is."""

import pytest
import torch
import transformers
from modeling.tiny_encoders import encoder_tokenizer
from modeling.tiny_models import FORMAT, SPREAD, tokenizer

from components.modeling.backbones import load_backbone
from components.modeling.loading import load_reward_model, save_model
from components.modeling.text_format import EndedFormat
from components.training.encoding import encode_pairs
from components.training.forward import sequence_scores

PROMPTS = ["the battery", "a sharp camera but a dim screen", "price"]
#: The second has more tokens than the twelve that FORMAT lets an answer have.
REPLIES = ["it lasts long", "the price was fair but the battery was dim and the screen was sharp", ""]


def saved_t5(folder):
    """Without [CLS] and [SEP], as T5's own tokenizer."""
    tok = tokenizer()
    config = transformers.T5Config(
        vocab_size=len(tok),
        d_model=16,
        d_kv=8,
        d_ff=32,
        num_layers=1,
        num_heads=2,
        num_labels=1,
        pad_token_id=tok.pad_token_id,
        eos_token_id=tok.eos_token_id,
        decoder_start_token_id=tok.pad_token_id,
        initializer_factor=20 * SPREAD,
    )
    return saved(folder, transformers.T5ForSequenceClassification(config), tok)


def saved_bart(folder):
    """With [CLS] and [SEP], the latter its EOS too."""
    tok = encoder_tokenizer()
    tok.eos_token = tok.sep_token
    config = transformers.BartConfig(
        vocab_size=len(tok),
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_position_embeddings=64,
        num_labels=1,
        pad_token_id=tok.pad_token_id,
        bos_token_id=tok.cls_token_id,
        eos_token_id=tok.sep_token_id,
        decoder_start_token_id=tok.sep_token_id,
        forced_eos_token_id=None,
        init_std=SPREAD,
    )
    return saved(folder, transformers.BartForSequenceClassification(config), tok)


def saved(folder, model, tok):
    torch.manual_seed(0)
    model.save_pretrained(folder)
    tok.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("make", [saved_t5, saved_bart])
@torch.no_grad()
def test_answers_of_any_length_are_scored_as_each_would_be_alone(tmp_path, make):
    torch.manual_seed(0)
    model, tok, fmt = load_backbone(str(make(tmp_path)), FORMAT)
    rows = encode_pairs(tok, fmt, PROMPTS, REPLIES)
    assert [row.ids[-1] for row in rows] == [tok.eos_token_id] * 3
    assert len(rows[1].response) == 12
    plain = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    expected = [plain(input_ids=torch.tensor([row.ids])).logits.item() for row in rows]
    assert max(expected) - min(expected) > 0.01
    assert sequence_scores(model, rows).tolist() == pytest.approx(expected, abs=1e-5)


@torch.no_grad()
def test_the_format_comes_back(tmp_path):
    torch.manual_seed(0)
    model, tok, fmt = load_backbone(str(saved_t5(tmp_path / "base")), FORMAT)
    save_model(tmp_path / "reward", model, tok, fmt)
    loaded, tok, again = load_reward_model(tmp_path / "reward")
    assert type(again) is EndedFormat
    assert again == fmt
    rows = encode_pairs(tok, again, PROMPTS, REPLIES)
    assert torch.equal(sequence_scores(loaded, rows), sequence_scores(model, rows))
