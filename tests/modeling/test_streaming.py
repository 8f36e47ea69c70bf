"""Tokens as they are drawn, and their text without half characters."""

import itertools

import pytest
import torch
from modeling.tiny_models import ALL_FAMILIES, TEXTS, lift, policy, tokenizer

from components.modeling.decoding import decode_dropping
from components.modeling.detokenizing import Detokenizer
from components.modeling.exploration import Exploration
from components.modeling.generation import real_tokens
from components.modeling.sampling import draw_dice, sample
from components.modeling.streaming import stream
from components.modeling.tokenizer import train_tokenizer

TOK = tokenizer()
EOS, PAD = TOK.eos_token_id, TOK.pad_token_id
PROMPTS = [[5, 6, 7, 8, 9], [10, 11], [12], [13, 14, 15], [16, 17, 18, 19, 20, 21, 22], [23, 24]]


@pytest.fixture
def model():
    torch.manual_seed(0)
    return lift(policy("gpt2", TOK), EOS, 4.5)


def dice_of(count, limit, seed=0):
    return draw_dice(count, limit, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("explore", [Exploration(), Exploration(0.7, 5, 0.9), Exploration(top_k=1)])
@pytest.mark.parametrize("family", ALL_FAMILIES)
def test_the_tokens_are_those_of_the_sampler_under_the_same_seed(family, explore):
    torch.manual_seed(0)
    model = lift(policy(family, TOK), EOS, 4.5)
    options = {"explore": explore, "eos_id": EOS, "pad_id": PAD}
    samples = sample(model, PROMPTS, dice_of(6, 12), decode=decode_dropping, **options)
    rows = [[] for _ in PROMPTS]
    for turn in stream(model, PROMPTS, dice_of(6, 12), **options):
        for row, token in turn:
            rows[row].append(token)
    assert rows == real_tokens(samples.tokens, samples.mask)
    assert any(row[-1] == EOS for row in rows) or explore.top_k == 1


def test_a_token_is_there_before_the_next_is_computed_and_nothing_after_the_end(model):
    calls = []
    model.register_forward_hook(lambda *_: calls.append(1))
    turns = stream(model, PROMPTS[:1], dice_of(1, 12), explore=Exploration(top_k=1), eos_id=-1, pad_id=PAD)
    for done in range(1, 4):
        assert len(next(turns)) == 1
        assert len(calls) == done
    turns.close()
    assert len(calls) == 3
    assert torch.is_grad_enabled()


#: Characters of one to four bytes, joined ones, and a mark that itself stands for broken bytes.
CHARACTERS = [
    "naïve 日本語 {braces}",
    "👩‍👩‍👧 a 𝔘 b",
    "Ж\N{REPLACEMENT CHARACTER} é",
    " lead",
    "\n\n",
    "한국어",
]


@pytest.mark.parametrize("text", CHARACTERS)
def test_pieces_are_whole_characters_and_together_the_text(text):
    # Learned from other texts: it spells most of these byte by byte.
    spelling = train_tokenizer(TEXTS[:3], 300)
    tokens = spelling(text)["input_ids"]
    reader = Detokenizer(spelling)
    found = [reader.add(token) for token in tokens]
    assert "".join(found) + reader.rest() == text
    assert (
        all("\N{REPLACEMENT CHARACTER}" not in piece for piece in found)
        or "\N{REPLACEMENT CHARACTER}" in text
    )
    assert len([piece for piece in found if piece]) <= len(text)


def test_every_three_tokens_read_as_the_tokenizer_reads_them():
    """Bytes that spell nothing, cut characters, and special tokens between them."""
    spelling = train_tokenizer(TEXTS[:3], 300)
    parts = [spelling(text)["input_ids"] for text in ("日", "é", "a", " b")]
    alphabet = sorted({token for part in parts for token in part} | {spelling.eos_token_id})
    for tokens in itertools.product(alphabet, repeat=3):
        reader = Detokenizer(spelling)
        text = "".join(reader.add(token) for token in tokens) + reader.rest()
        assert text == spelling.decode(list(tokens), skip_special_tokens=True), tokens


def test_an_unfinished_character_comes_with_the_rest():
    spelling = train_tokenizer(TEXTS[:3], 300)
    reader = Detokenizer(spelling)
    tokens = spelling("ok 日")["input_ids"]
    assert "".join(reader.add(token) for token in tokens[:-1]) == "ok "
    assert reader.rest() == "\N{REPLACEMENT CHARACTER}"
    assert reader.add(tokens[-1]) == "日"
    assert reader.rest() == ""
