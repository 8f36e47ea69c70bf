"""Anthropic's hh-rlhf (Bai 2022, 2204.05862): two transcripts of one chat that part at the last answer.

There is no prompt column: the turns that both transcripts share are the prompt. The same columns with lists of
turns are TRL's implicit prompt: such a row is a pair as any other, and no part of hh-rlhf.
"""

from __future__ import annotations

from components.feedback.chat import chat_prompt, parse_transcript
from components.feedback.draft import FIRST, Draft
from components.feedback.fields import Fields
from components.feedback.readers import pairwise
from components.feedback.readers.base import Reader, complete, needing, single_vote
from components.feedback.readers.chats import are_chats
from components.feedback.reasons import Reason, RowError

_NAMES = ("chosen", "rejected")


def read(fields: Fields) -> Draft:
    if are_chats(fields, _NAMES):
        draft = pairwise.read(fields)
        draft.source = draft.source or pairwise.READER.name
        return draft
    return _read_transcripts(fields)


def _read_transcripts(fields: Fields) -> Draft:
    chosen, rejected = (parse_transcript(fields.text(name), name) for name in _NAMES)
    if chosen[:-1] != rejected[:-1]:
        raise RowError(Reason.CHAT, "rejected", "parts from chosen before the last answer")
    if not chosen[-1].role == rejected[-1].role == "assistant":
        raise RowError(Reason.CHAT, "", "a transcript does not end with an answer")
    prompt = chat_prompt(chosen[:-1], "chosen")
    responses = (chosen[-1].content, rejected[-1].content)
    draft = Draft("pairwise", prompt, responses, _NAMES, votes=single_vote(fields, FIRST))
    return complete(fields, draft)


READER = Reader("hh-rlhf", (needing(*_NAMES),), read)
