"""A chat that ends with an answer as it should be: messages, as TRL and OpenAI take them for fine-tuning.

The last answer is the demonstration, all before it the prompt; a `prompt` beside it, as in UltraChat, names a turn.
"""

from __future__ import annotations

from components.feedback.draft import Draft
from components.feedback.fields import Fields
from components.feedback.readers.base import Reader, complete, needing
from components.feedback.readers.chats import answered_in_chat
from components.feedback.readers.wording import JUDGEMENTS

_NAMES = ("messages",)


def read(fields: Fields) -> Draft:
    prompt, responses, meta = answered_in_chat(fields, _NAMES)
    return complete(fields, Draft("demonstration", prompt, responses, _NAMES, meta=meta))


# Many formats carry the chat along under this name.
READER = Reader("messages", (needing(*_NAMES),), read, shy_of=JUDGEMENTS, modest=True)
