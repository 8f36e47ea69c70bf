"""A sound row of every format, by its number; more of those that come in several shapes, as "pairwise, chats"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Row = dict[str, Any]

_CHAT = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]


def _chat(number: int) -> list[Row]:
    return [*_CHAT, {"role": "user", "content": f"Question {number}?"}]


def _judged(number: int) -> Row:
    moment = f"2025-03-{1 + number % 28:02}T08:00:00+02:00"
    return {"id": f"row-{number}", "annotator": f"ann-{number % 9}", "created_at": moment, "seconds": 5.5}


def _chats(number: int, *names: str) -> Row:
    """Whole chats that part at the last answer."""
    return {name: [*_chat(number), {"role": "assistant", "content": f"{name}."}] for name in names}


#: Format -> a sound row of a number; rows of other numbers differ.
SOUND: dict[str, Callable[[int], Row]] = {
    "pairwise": lambda n: {
        "prompt": f"Name colour {n}.", "chosen": "Blue.", "rejected": "Seven.", "strength": 0.5,
        "gold": "chosen", **_judged(n)
    },
    "pairwise, plain": lambda n: {
        "prompt": f"Name colour {n}.", "chosen": "Blue.", "rejected": "Seven.", "id": f"row-{n}",
        "annotator": f"ann-{n % 9}", "created_at": f"2025-03-{1 + n % 28:02}T08:00:00+02:00"
    },
    "pairwise, shown": lambda n: {
        "prompt": f"Name colour {n}.", "response_a": "Blue.", "response_b": "Seven.", "preferred": "ab"[n % 2],
        "annotator": f"ann-{n % 9}", "language": "en"
    },
    "rating": lambda n: {"prompt": f"Name colour {n}.", "response": "Blue.", "rating": 4, "scale": "1-5", **_judged(n)},
    "thumbs": lambda n: {"prompt": _chat(n), "response": "Blue.", "thumbs_up": True, **_judged(n)},
    "ranking": lambda n: {
        "prompt": f"Name colour {n}.", "responses": ["Blue.", "Red.", "7"], "ranks": [1, 1, 2], **_judged(n)
    },
    "demonstration": lambda n: {"prompt": _chat(n), "response": f"Blue {n}.", **_judged(n)},
    "edit": lambda n: {"prompt": f"Name colour {n}.", "response": "Blu", "edited_response": "Blue.", **_judged(n)},
    "hh-rlhf": lambda n: {
        "chosen": f"\n\nHuman: Colour {n}?\n\nAssistant: Blue.",
        "rejected": f"\n\nHuman: Colour {n}?\n\nAssistant: 7."
    },
    "pairwise, chats": lambda n: {
        "prompt": f"Question {n}?", **_chats(n, "chosen", "rejected"), "score_chosen": 8.5, "score_rejected": 6.0,
        **_judged(n)
    },
    "hh-rlhf, chats": lambda n: {**_chats(n, "chosen", "rejected"), **_judged(n)},
    "messages": lambda n: {**_chats(n, "messages"), **_judged(n)},
    "completion": lambda n: {"prompt": f"Name colour {n}.", "completion": "Blue.", **_judged(n)},
    "kto": lambda n: {"prompt": f"Name colour {n}.", "completion": "Blue.", "label": n % 2 > 0, **_judged(n)},
    "kto, chats": lambda n: {"prompt": _chat(n), "completion": _CHAT[1:], "label": n % 2 > 0, **_judged(n)},
    "pandalm": lambda n: {
        "idx": n, "instruction": f"Name colour {n}.", "input": "", "response1": "Blue.", "response2": "7",
        "annotator1": 1, "annotator2": 0, "annotator3": 2,
    },
    "oasst-rankings": lambda n: {
        "context": [{"role": "prompter", "text": f"Colour {n}?"}],
        "replies": [{"text": "Blue", "rank": 0}, {"text": "7", "rank": 1}]
    },
    "oasst-thumbs": lambda n: {
        "context": [{"role": "prompter", "text": f"Colour {n}?"}], "text": "Blue", "up": 3, "down": 1
    },
    "ukpconvarg1": lambda n: {
        "topic": f"Colour {n}", "stance": "Blue", "a1": "The sky.", "a2": "No.",
        "votes": [{"worker": "w1", "value": "a1", "at": "2016-01-31 16:59:52.0 UTC"}],
    },
    "rankme": lambda n: {
        "mr": f"name[{n}]", "text": "It is.", "worker": "w1", "scores": {"quality": 4}, "setup": 2, "system": "a"
    },
    "sentence-polarity": lambda n: {"text": f"A film, number {n}.", "thumbs_up": False},
    "argilla": lambda n: {
        "id": f"r-{n}", "fields": {"instruction": f"Colour {n}?", "response_1": "Blue.", "response_2": "7"},
        "metadata": {},
        "responses": {"preference": [{"value": "response_1", "user_id": "u1"}]},
    },
    "label-studio": lambda n: {
        "id": n, "data": {"prompt": f"Colour {n}?", "answer1": "Blue.", "answer2": "7"},
        "annotations": [{
            "completed_by": 3, "was_cancelled": False, "created_at": "2025-03-03T08:00:00Z", "lead_time": 2.5,
            "result": [{"type": "pairwise", "to_name": "answer1,answer2", "value": {"selected": "left"}}],
        }],
    },
}  # fmt: skip


def format_of(name: str) -> str:
    """The format of SOUND's rows of that name."""
    return name.partition(",")[0]
