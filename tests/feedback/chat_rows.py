"""Rows whose answers are chats."""

from __future__ import annotations


def user(text):
    return {"role": "user", "content": text}


def answer(text):
    return {"role": "assistant", "content": text}


SYSTEM = {"role": "system", "content": "Be brief."}
LEFT, RIGHT = answer("Blue."), answer("Seven.")
ASKED = [user("Hi"), answer("Hello"), user("Name a colour.")]
TEXT = "User: Hi\n\nAssistant: Hello\n\nUser: Name a colour."


def pair(before, **fields):
    """A pair of whole chats, the prompt's turns in both."""
    return {"chosen": [*before, LEFT], "rejected": [*before, RIGHT], **fields}


ULTRAFEEDBACK = pair(
    [user("Name a colour.")], prompt="Name a colour.", prompt_id="6ba0", score_chosen=8.5, score_rejected=6.0,
    messages=[user("Name a colour."), LEFT],
)  # fmt: skip

#: OpenAI's content as parts.
PARTS = [{"type": "text", "text": "Blue."}]
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
