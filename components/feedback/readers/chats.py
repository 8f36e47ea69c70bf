"""Answers that end a chat: a list of turns, the last of which is the assistant's and the answer.

UltraFeedback-binarized and TRL write them so (https://huggingface.co/docs/trl/dataset_formats): the turns before
the answer are the prompt, which may also stand in `prompt`, as text or as turns, or there alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from components.feedback.chat import chat_prompt, render
from components.feedback.draft import Message, PromptText
from components.feedback.fields import Fields
from components.feedback.reasons import Reason, RowError
from components.feedback.values import kind_of

#: A list of turns that was made text of, by JSON or, as pandas does it in CSV, by Python.
_WRITTEN = re.compile(r"""\s*\[\s*\{\s*(["'])(?:role|content)\1\s*:""")
#: A prompt, its answers, and what else the turns say, by field.
Answered = tuple[PromptText, tuple[str, ...], dict[str, Any]]


class Chat(NamedTuple):
    """The turns that led to an answer, the answer, and what else each turn says."""

    before: tuple[Message, ...]
    answer: str
    rest: list[dict[str, Any]]


def answered(fields: Fields, names: tuple[str, ...]) -> Answered:
    """The prompt and the answers under these names, each a text or all of them chats.

    Raises:
        RowError: TYPE, MISSING_COL, or CHAT for chats that do not end with the assistant or differ before.
    """
    if not are_chats(fields, names):
        return fields.prompt(), tuple(map(fields.text, names)), {}
    return answered_in_chat(fields, names)


def answered_in_chat(fields: Fields, names: tuple[str, ...]) -> Answered:
    """The same, of fields that can only be chats."""
    first, *others = chats = [chat_of(fields, name) for name in names]
    for name, other in zip(names[1:], others, strict=True):
        if other.before != first.before:
            raise RowError(Reason.CHAT, name, f"parts from {names[0]} before the last answer")
    meta = {name: chat.rest for name, chat in zip(names, chats, strict=True) if any(chat.rest)}
    return _prompt(fields, first.before, names[0]), tuple(chat.answer for chat in chats), meta


def are_chats(fields: Fields, names: tuple[str, ...]) -> bool:
    """Whether one of the fields is a list, or all are texts that were made of such lists.

    One of two answers may well show messages as an API takes them; where all begin so, none was meant as text.
    """
    are_written = True
    for name in names:
        value = fields.peek(name)
        if isinstance(value, list):
            return True
        are_written = are_written and isinstance(value, str) and is_written(value)
    return are_written


def is_written(text: str) -> bool:
    """Whether a text begins as a list of turns that was made text of."""
    return _WRITTEN.match(text) is not None


def chat_of(fields: Fields, name: str) -> Chat:
    """A chat that ends with an answer.

    Raises:
        RowError: TYPE, MISSING_COL or CHAT.
    """
    turns, rest = _turns(fields, name)
    if not turns:
        raise RowError(Reason.CHAT, name, "has no turns")
    if turns[-1].role != "assistant":
        raise RowError(Reason.CHAT, name, "the last turn is not the assistant's")
    return Chat(tuple(turns[:-1]), turns[-1].content, rest)


def _prompt(fields: Fields, before: tuple[Message, ...], name: str) -> PromptText:
    """What stands in `prompt`, before the answer, or in both; then they must agree."""
    if not fields.has("prompt"):
        fields.use("prompt")
        return chat_prompt(before, name)
    is_chat = are_chats(fields, ("prompt",))
    given = chat_prompt(_turns(fields, "prompt")[0], "prompt") if is_chat else fields.prompt()
    if not before:
        return given
    prompt = chat_prompt(before, name)
    if not _agree(given, before):
        raise RowError(Reason.CHAT, "prompt", f"is not what {name} answers")
    return prompt


def _agree(given: PromptText, before: tuple[Message, ...]) -> bool:
    """As text, UltraFeedback names the user's only turn, others the first, the last or the whole chat."""
    if given.messages is not None:
        return given.messages == before
    asked = [message.content for message in before if message.role == "user"]
    return given.text.strip() in [text.strip() for text in (*asked, render(before))]


def _turns(fields: Fields, name: str) -> tuple[list[Message], list[dict[str, Any]]]:
    parts = [_part(item, f"{name}[{place}]") for place, item in enumerate(fields.items(name))]
    turns = [
        Message(part.text("role"), _content(part, f"{name}[{place}].content"))
        for place, part in enumerate(parts)
    ]
    return turns, [part.rest() for part in parts]


def _content(turn: Fields, place: str) -> str:
    """A turn's text; also one that is OpenAI's list of parts, where it holds one text and nothing else."""
    content = turn.peek("content")
    if not isinstance(content, list):
        return turn.text("content")
    turn.use("content")
    if len(content) != 1:
        raise RowError(Reason.TYPE, place, f"holds {len(content)} parts, expected one text")
    part = _part(content[0], place)
    if (kind := part.text("type")) != "text":
        raise RowError(Reason.TYPE, place, f"holds a part of type {kind[:40]!a}, expected one text")
    return part.text("text")


def _part(value: Any, place: str) -> Fields:
    if not isinstance(value, Mapping):
        raise RowError(Reason.TYPE, place, f"is {kind_of(value)}, expected an object")
    return Fields(value, path=f"{place}.")
