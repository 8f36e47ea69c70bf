"""Chats: from lists of messages or transcripts to a prompt, and how a chat reads as text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from components.feedback.draft import Message, PromptText
from components.feedback.reasons import Reason, RowError

ROLES = ("system", "user", "assistant")
_TURN = re.compile(r"\n\n(Human|Assistant):")
_TURN_ROLES = {"Human": "user", "Assistant": "assistant"}


def render(messages: Sequence[Message]) -> str:
    """A chat as text. A single user turn is its text alone: it equals the same prompt given as text."""
    if len(messages) == 1 and messages[0].role == "user":
        return messages[0].content
    return "\n\n".join(f"{message.role.capitalize()}: {message.content}" for message in messages)


def chat_prompt(messages: Sequence[Message], name: str) -> PromptText:
    """The prompt that a chat makes.

    Raises:
        RowError: CHAT when no user has the last word, TYPE or CHAT for a role that is unknown.
    """
    for message in messages:
        if message.role not in ROLES:
            raise RowError(Reason.CHAT, name, f"role {message.role[:40]!a} is none of {', '.join(ROLES)}")
    if not messages or messages[-1].role != "user":
        raise RowError(Reason.CHAT, name, "the last turn is not the user's")
    return PromptText(render(messages), tuple(messages), name)


def parse_transcript(transcript: str, name: str) -> list[Message]:
    """Turns of an hh-rlhf transcript: blank line, "Human:" or "Assistant:", text.

    Raises:
        RowError: CHAT when the text does not begin with such a turn.
    """
    # Split with one group gives: before, role, text, role, text ...
    before, *rest = _TURN.split(f"\n\n{transcript.lstrip()}")
    if before or not rest:
        raise RowError(Reason.CHAT, name, 'the transcript does not begin with "Human:" or "Assistant:"')
    return [
        Message(_TURN_ROLES[role], text.strip()) for role, text in zip(rest[::2], rest[1::2], strict=True)
    ]
