"""Open-Assistant (Köpf 2023, 2304.07327): a conversation so far and replies, ranked by people, 0 the best."""

from __future__ import annotations

from components.feedback.chat import chat_prompt
from components.feedback.draft import Draft, Message, PromptText
from components.feedback.fields import Fields
from components.feedback.readers.base import Reader, complete, needing


def read(fields: Fields) -> Draft:
    replies = fields.parts("replies")
    draft = Draft(
        kind="ranking",
        prompt=context_prompt(fields),
        responses=tuple(reply.text("text") for reply in replies),
        response_names=tuple(f"replies[{place}].text" for place in range(len(replies))),
        ranks=tuple(reply.whole("rank") + 1 for reply in replies),
        meta={"replies": [reply.rest() for reply in replies]},
    )
    return complete(fields, draft)


def context_prompt(fields: Fields) -> PromptText:
    """The conversation so far; Open-Assistant calls its user the prompter."""
    turns = fields.messages("context", content="text")
    roles = {"prompter": "user"}
    return chat_prompt([Message(roles.get(turn.role, turn.role), turn.content) for turn in turns], "context")


READER = Reader("oasst-rankings", (needing("context", "replies"),), read)
