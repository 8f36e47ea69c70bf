"""Chosen pairs as rows that `rlhf collect tasks` takes, and what their ids tell long after."""

from __future__ import annotations

import json
from typing import Any

from components.choosing.batch import Chosen
from components.files import sha256_bytes

#: What the id of a pair begins with that was chosen for what it teaches; as `task`, or as the row's own id, it comes
#: back with each judgement. Figures over such judgements are not true of all answers.
INFORMATIVE = "next-information-"
_BEGINNINGS = {"random": "next-random-", "information": INFORMATIVE}


def task_of(chosen: Chosen, models: tuple[str, str], *, swapped: bool, language: str = "") -> dict[str, Any]:
    """The row of a pair.

    Args:
        models: who gave its first and its second answer.
        swapped: whether the second answer becomes `response_a`: its place must not tell who gave it.
    """
    pair = chosen.pair
    sides = [(pair.first, models[0]), (pair.second, models[1])]
    (a, by_a), (b, by_b) = reversed(sides) if swapped else sides
    sign = -1 if swapped else 1
    why = {
        "chosen_by": chosen.why,
        "teaches": "judge" if chosen.role == "judge" else "reward model",
        "information_bits": chosen.information,
        "margin": None if chosen.margin is None else sign * chosen.margin,
        "model_a": by_a,
        "model_b": by_b,
    }
    row = {"id": _id(chosen), "prompt": pair.prompt, "response_a": a, "response_b": b, "why": why}
    return row | ({"language": language} if language else {})


def _id(chosen: Chosen) -> str:
    of = [chosen.pair.prompt, *sorted((chosen.pair.first, chosen.pair.second))]
    return _BEGINNINGS[chosen.why] + sha256_bytes(json.dumps(of).encode("utf-8"))[:16]
