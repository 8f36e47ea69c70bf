"""Reward models on what people bring: encoders and decoders, with and without a head, each in its own tokens."""

import pytest
import torch
from modeling.tiny_encoders import encoder_tokenizer, saved_encoder
from modeling.tiny_models import FAMILIES, FORMAT, saved_policy, tokenizer
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from components.errors import ModelError
from components.modeling.attention import reads_packed_rows
from components.modeling.backbones import load_backbone
from components.modeling.loading import load_reward_model, save_model
from components.modeling.text_format import SeparatorFormat, TextFormat
from components.training.encoding import encode_pairs
from components.training.forward import sequence_scores

TOK = encoder_tokenizer()
PROMPTS = ["the battery", "a sharp camera but a dim screen", "price"]
REPLIES = ["it lasts long", "fair", "the price was fair but the battery"]


@torch.no_grad()
def test_an_encoder_scores_each_text_as_it_would_alone(tmp_path):
    folder = saved_encoder(tmp_path)
    model, tok, fmt = load_backbone(str(folder), FORMAT)
    plain = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    rows = encode_pairs(tok, fmt, PROMPTS, REPLIES)
    assert not reads_packed_rows(model)
    assert len({len(row) for row in rows}) > 1
    expected = [plain(input_ids=torch.tensor([row.ids])).logits.item() for row in rows]
    assert max(expected) - min(expected) > 0.01
    assert sequence_scores(model, rows).tolist() == pytest.approx(expected, abs=1e-5)
    for row, score in zip(rows, expected, strict=True):
        assert sequence_scores(model, [row]).item() == pytest.approx(score, abs=1e-5)


def test_an_encoder_reads_two_texts_between_its_own_marks(tmp_path):
    _, tok, fmt = load_backbone(str(saved_encoder(tmp_path)), FORMAT)
    (row,) = encode_pairs(tok, fmt, ["the battery"], ["it lasts"])
    assert tok.convert_ids_to_tokens(row.prompt) == ["[CLS]", "the", "battery", "[SEP]"]
    assert tok.convert_ids_to_tokens(row.response) == ["it", "lasts", "[SEP]"]
    # No EOS was invented for it.
    assert len(tok) == len(TOK)


def test_no_limit_cuts_the_marks_off():
    fmt = SeparatorFormat("{prompt}", max_prompt_tokens=4, max_response_tokens=3)
    words = "a sharp camera but a dim screen"
    assert TOK.convert_ids_to_tokens(fmt.prompt_ids(TOK, words)) == ["[CLS]", "dim", "screen", "[SEP]"]
    assert TOK.convert_ids_to_tokens(fmt.response_ids(TOK, words)) == ["a", "sharp", "[SEP]"]
    least = SeparatorFormat("{prompt}", max_prompt_tokens=2, max_response_tokens=1)
    assert least.prompt_ids(TOK, words) == [TOK.cls_token_id, TOK.sep_token_id]
    assert least.response_ids(TOK, words) == [TOK.sep_token_id]


def test_marks_in_a_strangers_text_stay_text():
    fmt = SeparatorFormat("{prompt}", max_prompt_tokens=30, max_response_tokens=30)
    ids = fmt.prompt_ids(TOK, "fair [SEP] price [CLS]") + fmt.response_ids(TOK, "[PAD] [SEP] dim")
    assert ids.count(TOK.cls_token_id) == 1
    assert ids.count(TOK.sep_token_id) == 2
    assert TOK.pad_token_id not in ids


def test_an_encoders_format_comes_back(tmp_path):
    model, tok, fmt = load_backbone(str(saved_encoder(tmp_path / "base")), FORMAT)
    save_model(tmp_path / "reward", model, tok, fmt)
    loaded, tok, fmt = load_reward_model(tmp_path / "reward")
    assert type(fmt) is SeparatorFormat
    assert (fmt.max_prompt_tokens, fmt.max_response_tokens) == (16, 12)
    rows = encode_pairs(tok, fmt, PROMPTS, REPLIES)
    with torch.no_grad():
        assert torch.equal(sequence_scores(loaded, rows), sequence_scores(model, rows))
    FORMAT.save(tmp_path)
    assert type(TextFormat.load(tmp_path)) is TextFormat


def heads(folder):
    torch.manual_seed(1)
    first = load_backbone(str(folder), FORMAT)[0].classifier
    torch.manual_seed(2)
    return first, load_backbone(str(folder), FORMAT)[0].classifier


def test_a_head_of_one_logit_is_kept_and_any_other_replaced(tmp_path):
    scoring = saved_encoder(tmp_path / "scoring", labels=1)
    kept = AutoModelForSequenceClassification.from_pretrained(scoring).classifier.weight
    assert all(torch.equal(head.weight, kept) for head in heads(scoring))
    for name, labels in (("stars", 5), ("pretrained", None)):
        first, second = heads(saved_encoder(tmp_path / name, labels=labels))
        assert first.weight.shape == (1, 16)
        assert not torch.equal(first.weight, second.weight)


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_a_decoder_reads_packed_rows_with_a_new_head(tmp_path, family):
    folder = saved_policy(tmp_path, family)
    torch.manual_seed(1)
    model, tok, fmt = load_backbone(str(folder), FORMAT)
    assert reads_packed_rows(model)
    assert fmt == FORMAT
    assert tok.get_vocab() == tokenizer().get_vocab()
    # Of std 1 / sqrt(32 + 1), not the family's own: 32 draws are within a third of it.
    assert model.score.weight.std().item() == pytest.approx(33**-0.5, rel=0.4)
    rows = encode_pairs(tok, fmt, PROMPTS, REPLIES)
    ends = [model.base_model(torch.tensor([row.ids])).last_hidden_state[0, -1] for row in rows]
    expected = [model.score(end).item() for end in ends]
    assert sequence_scores(model, rows).tolist() == pytest.approx(expected, abs=1e-4)


@torch.no_grad()
def test_a_decoder_that_cannot_read_packed_rows_is_padded(tmp_path):
    """BLOOM adds a bias by distance to its attention, over the whole row."""
    from transformers import BloomConfig, BloomForSequenceClassification

    tok = tokenizer()
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "n_layer": 2, "n_head": 2, "pad_token_id": tok.pad_token_id}
    BloomForSequenceClassification(
        BloomConfig(vocab_size=len(tok), num_labels=1, initializer_range=0.2, **shape)
    ).save_pretrained(tmp_path)
    tok.save_pretrained(tmp_path)
    model, tok, fmt = load_backbone(str(tmp_path), FORMAT)
    assert not reads_packed_rows(model)
    rows = encode_pairs(tok, fmt, PROMPTS, REPLIES)
    ends = [model.transformer(torch.tensor([row.ids])).last_hidden_state[0, -1] for row in rows]
    expected = [model.score(end).item() for end in ends]
    assert sequence_scores(model, rows).tolist() == pytest.approx(expected, abs=1e-5)


def test_what_cannot_be_loaded_is_named_with_a_remedy(tmp_path):
    with pytest.raises(ModelError, match="nowhere") as caught:
        load_backbone(str(tmp_path / "nowhere"), FORMAT)
    assert '"sft"' in caught.value.remedy


def test_weights_that_are_not_the_configurations_are_refused(tmp_path):
    folder = saved_encoder(tmp_path)
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text(config.replace('"intermediate_size": 32', '"intermediate_size": 48'))
    with pytest.raises(ModelError, match="do not fit its configuration: bert"):
        load_backbone(str(folder), FORMAT)


def test_a_tokenizer_without_end_and_padding_gets_them(tmp_path):
    folder = saved_policy(tmp_path, "gpt2")
    tok = AutoTokenizer.from_pretrained(folder)
    tok.pad_token = None
    tok.save_pretrained(folder)
    model, tok, _ = load_backbone(str(folder), FORMAT)
    assert tok.pad_token_id != tok.eos_token_id
    assert model.config.pad_token_id == tok.pad_token_id < model.get_input_embeddings().num_embeddings
