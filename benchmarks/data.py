"""The same synthetic tokens for both sides, from a seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

EOS_ID, PAD_ID = 0, 1
EOS, PAD = "<|endoftext|>", "[PAD]"
#: Ids below this mean something; text is made of the others.
FIRST_WORD = 2
#: Tokens in a prompt, and in a prompt with its response, both ends included.
PROMPT_TOKENS = (8, 40)
SEQUENCE_TOKENS = (20, 200)

#: A prompt's tokens with one response's ("sft"), or with a chosen and a rejected one ("pairs").
Row = dict[str, list[int]]


def make_data(vocab: int, prompts: int, rows: int, pairs: int, seed: int) -> dict[str, Any]:
    """Prompts for rollouts, demonstrations and preferences; every response ends with EOS."""
    dice = random.Random(seed)
    return {
        "prompts": [_words(dice, dice.randint(*PROMPT_TOKENS), vocab) for _ in range(prompts)],
        "rows": [_row(dice, vocab, ("response",)) for _ in range(rows)],
        "pairs": [_row(dice, vocab, ("chosen", "rejected")) for _ in range(pairs)],
    }


def _row(dice: random.Random, vocab: int, names: Sequence[str]) -> Row:
    """Lengths of prompt and response together are uniform; the prompt is at most half of the shortest."""
    totals = [dice.randint(*SEQUENCE_TOKENS) for _ in names]
    least, most = PROMPT_TOKENS
    prompt = dice.randint(least, min(most, min(totals) // 2))
    row = {"prompt": _words(dice, prompt, vocab)}
    for name, total in zip(names, totals, strict=True):
        row[name] = [*_words(dice, total - prompt - 1, vocab), EOS_ID]
    return row


def _words(dice: random.Random, count: int, vocab: int) -> list[int]:
    return [dice.randrange(FIRST_WORD, vocab) for _ in range(count)]


def word(token: int) -> str:
    """How a token is written: a word each, so that text and tokens are the same thing for both sides."""
    return {EOS_ID: EOS, PAD_ID: PAD}.get(token, f"w{token}")


def text(tokens: Sequence[int]) -> str:
    return " ".join(map(word, tokens))


def lengths(row: Row) -> list[tuple[int, int]]:
    """The tokens of prompt and response of each sequence of a row."""
    return [(len(row["prompt"]), len(tokens)) for name, tokens in row.items() if name != "prompt"]
