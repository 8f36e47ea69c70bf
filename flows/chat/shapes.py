"""Answers in OpenAI's shapes, whole and in chunks."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from components.serving.question import Finished


@dataclass(frozen=True)
class Shape:
    """What all parts of one reply say.

    Attributes:
        model: as the request calls it; version: who answered.
    """

    model: str
    version: str
    prefix: str = "cmpl-"
    whole_object: str = "text_completion"
    chunk_object: str = "text_completion"
    created: int = field(default_factory=lambda: int(time.time()))
    id: str = field(default_factory=lambda: secrets.token_hex(12))

    def whole(self, answers: Sequence[Finished], n: int) -> dict[str, Any]:
        """The reply that does not stream."""
        choices = [self.choice(answer) for answer in sorted(answers, key=lambda each: each.choice)]
        return self._about(self.whole_object) | {"choices": choices, "usage": usage(answers, n)}

    def chunk(self, number: int, text: str | None, reason: str | None, *, with_usage: bool) -> str:
        """A part of answer `number`. with_usage: a last chunk will say it, so the others say that they do not."""
        choice = {"index": number, "logprobs": None, "finish_reason": reason} | self._delta(text)
        return event(
            self._about(self.chunk_object) | {"choices": [choice]} | ({"usage": None} if with_usage else {})
        )

    def begin(self, number: int, *, with_usage: bool) -> str:
        """What stands before the first text of an answer."""
        return ""

    def usage_chunk(self, answers: Sequence[Finished], n: int) -> str:
        return event(self._about(self.chunk_object) | {"choices": [], "usage": usage(answers, n)})

    def choice(self, answer: Finished) -> dict[str, Any]:
        about = {"index": answer.choice, "logprobs": None, "finish_reason": answer.reason}
        return about | {"text": answer.text}

    def _delta(self, text: str | None) -> dict[str, Any]:
        return {"text": text or ""}

    def _about(self, kind: str) -> dict[str, Any]:
        return {
            "id": f"{self.prefix}{self.id}",
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.version,
        }


@dataclass(frozen=True)
class ChatShape(Shape):
    """As `Shape`, of chats."""

    prefix: str = "chatcmpl-"
    whole_object: str = "chat.completion"
    chunk_object: str = "chat.completion.chunk"

    def begin(self, number: int, *, with_usage: bool) -> str:
        choice = {"index": number, "delta": {"role": "assistant", "content": ""}, "logprobs": None}
        about = {"choices": [choice | {"finish_reason": None}]} | ({"usage": None} if with_usage else {})
        return event(self._about(self.chunk_object) | about)

    def choice(self, answer: Finished) -> dict[str, Any]:
        message = {"role": "assistant", "content": answer.text, "refusal": None}
        about = {"index": answer.choice, "logprobs": None, "finish_reason": answer.reason}
        return about | {"message": message}

    def _delta(self, text: str | None) -> dict[str, Any]:
        return {"delta": {} if text is None else {"content": text}}


def usage(answers: Sequence[Finished], n: int) -> dict[str, int]:
    """Tokens that were read, each prompt once, and that were drawn, an EOS included. n: answers to a prompt."""
    read = sum(answer.prompt_tokens for answer in answers if answer.choice % n == 0)
    drawn = sum(len(answer.tokens) for answer in answers)
    return {"prompt_tokens": read, "completion_tokens": drawn, "total_tokens": read + drawn}


def event(content: dict[str, Any]) -> str:
    """A server-sent event."""
    return f"data: {json.dumps(content, ensure_ascii=False)}\n\n"
