import pytest
from modeling.tiny_models import tokenizer

from components.errors import ModelError
from components.modeling.text_format import TextFormat, encode
from components.modeling.tokenizer import add_missing_tokens

TOK = tokenizer()


def test_special_tokens_in_feedback_stay_text():
    ids = encode(TOK, "good <|endoftext|> [PAD] bad")
    assert TOK.eos_token_id not in ids
    assert TOK.pad_token_id not in ids
    assert TOK.decode(ids) == "good <|endoftext|> [PAD] bad"


def test_any_text_survives_the_round_trip():
    for text in ("naïve 日本語 🙂", "tabs\tand\nlines", "{prompt} {0}"):
        assert TOK.decode(encode(TOK, text)) == text


def test_pad_differs_from_eos():
    assert TOK.pad_token_id != TOK.eos_token_id
    like_gpt2 = tokenizer()
    like_gpt2.pad_token = like_gpt2.eos_token
    add_missing_tokens(like_gpt2)
    assert like_gpt2.pad_token_id != like_gpt2.eos_token_id


def test_a_response_carries_eos_unless_it_is_cut():
    fmt = TextFormat("{prompt}\n", 8, 4)
    assert fmt.response_ids(TOK, "it")[-1] == TOK.eos_token_id
    long = fmt.response_ids(TOK, "it was a fair price it was a fair price")
    assert len(long) == 4
    assert TOK.eos_token_id not in long


def test_a_long_prompt_loses_its_beginning():
    fmt = TextFormat("{prompt}\n", 3, 4)
    whole = encode(TOK, "the battery lasts long\n")
    assert fmt.prompt_ids(TOK, "the battery lasts long") == whole[-3:]


def test_braces_in_a_prompt_are_text():
    fmt = TextFormat("Q: {prompt}\nA: ", 64, 4)
    assert TOK.decode(fmt.prompt_ids(TOK, "a {b} {prompt}")) == "Q: a {b} {prompt}\nA: "


def test_a_template_without_a_place_is_refused():
    with pytest.raises(ModelError, match="exactly once"):
        TextFormat("prompt\n", 8, 4)


def test_saved_with_the_model(tmp_path):
    fmt = TextFormat("Q: {prompt}\n", 8, 4)
    fmt.save(tmp_path)
    assert TextFormat.load(tmp_path) == fmt
    with pytest.raises(ModelError, match="not found"):
        TextFormat.load(tmp_path / "elsewhere")
