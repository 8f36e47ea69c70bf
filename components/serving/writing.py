"""Answers as they are written."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import Any

import torch

from components.modeling.detokenizing import Detokenizer
from components.modeling.sampling import draw_dice
from components.modeling.streaming import stream
from components.serving.question import Finished, Piece, Question
from components.serving.stops import Stops
from components.serving.version import ServedVersion


def write_answers(served: ServedVersion, question: Question) -> Generator[Piece | Finished]:
    """The answers that `generation.answer` gives for the same seed, in pieces; closing the generator ends them."""
    rows = [
        served.text_format.prompt_ids(served.tokenizer, prompt)
        for prompt in question.prompts
        for _ in range(question.n)
    ]
    longest = served.text_format.max_response_tokens
    limit = min(question.max_tokens or longest, longest)
    generator = torch.Generator().manual_seed(question.seed)
    turns = stream(
        served.model,
        rows,
        draw_dice(len(rows), limit, generator),
        explore=question.explore,
        eos_id=served.tokenizer.eos_token_id,
        pad_id=served.tokenizer.pad_token_id,
    )
    texts = [_Text(number, served.tokenizer, question.stop, len(row)) for number, row in enumerate(rows)]
    with closing(turns):
        yield from _read(turns, texts)


class _Text:
    """An answer that grows. done: whether it ended itself or came to a stop text."""

    def __init__(self, choice: int, tokenizer: Any, stops: Sequence[str], prompt_tokens: int) -> None:
        self._choice, self._prompt_tokens = choice, prompt_tokens
        self._eos = tokenizer.eos_token_id
        self._reader, self._stops = Detokenizer(tokenizer), Stops(stops)
        self._tokens: list[int] = []
        self._shown: list[str] = []
        self.done = False

    def add(self, token: int) -> Iterator[Piece | Finished]:
        if self.done:
            return
        self._tokens.append(token)
        ends = token == self._eos
        text = self._stops.add("" if ends else self._reader.add(token))
        yield from self._show(text)
        self.done = ends or self._stops.found
        if self.done:
            yield from self.finish("stop")

    def finish(self, reason: Any) -> Iterator[Piece | Finished]:
        """What was held back, and the end."""
        if not self._stops.found:
            yield from self._show(self._stops.add(self._reader.rest()))
            if not self._stops.found:
                yield from self._show(self._stops.rest())
        text = "".join(self._shown)
        yield Finished(self._choice, text, tuple(self._tokens), reason, self._prompt_tokens)

    def _show(self, text: str) -> Iterator[Piece]:
        if text:
            self._shown.append(text)
            yield Piece(self._choice, text)


def _read(turns: Iterator[list[tuple[int, int]]], texts: Sequence[_Text]) -> Iterator[Piece | Finished]:
    for turn in turns:
        for row, token in turn:
            yield from texts[row].add(token)
        if all(text.done for text in texts):
            return
    for text in texts:
        if not text.done:
            yield from text.finish("length")
