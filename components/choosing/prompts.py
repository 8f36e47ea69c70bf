"""The prompts that may be asked about: those whose judgements teach. What is said of others examines the models."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from components.config import PrepareParams
from components.errors import FeedbackError
from components.feedback.parsing.strict_json import StrictJson
from components.feedback.printable import printable
from components.feedback.reasons import RowError
from components.feedback.splits import normalise_prompt, role_of, split_of
from components.records import Prompt


@dataclass(frozen=True)
class Asked:
    """Prompts to be answered.

    Attributes:
        reward: those whose judgements teach the reward model; judge: the judge, and so nobody else.
        held_out: how many were left out because they belong to validation or test.
    """

    reward: list[Prompt]
    judge: list[Prompt]
    held_out: int


def read_prompts(path: Path) -> list[Prompt]:
    """The prompts of a JSONL file, each line with a `prompt`; the same one again counts once.

    Raises:
        FeedbackError: it cannot be read, or a line of it has no prompt.
    """
    remedy = 'give JSON lines such as {"prompt": "Review the Pixel 9."}, in UTF-8'
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        what = f"cannot read {printable(str(path))}: {getattr(error, 'strerror', None) or error}"
        raise FeedbackError(what, remedy) from None
    found: dict[str, Prompt] = {}
    for number, line in enumerate(lines, start=1):
        if line.strip():
            prompt = _prompt_of(line, f"{printable(str(path))} line {number}", remedy)
            found.setdefault(normalise_prompt(prompt), Prompt(prompt))
    return list(found.values())


def _prompt_of(line: str, place: str, remedy: str) -> str:
    try:
        row = StrictJson().decode(line)
    except RowError as error:
        raise FeedbackError(f"{place} {error.what}", remedy) from None
    prompt = row.get("prompt") if isinstance(row, dict) else None
    if not isinstance(prompt, str) or not prompt.strip():
        raise FeedbackError(f"{place} has no prompt that is text", remedy)
    return prompt


def ask_about(prompts: Sequence[Prompt], most: int, params: PrepareParams, seed: int) -> Asked:
    """At most so many of the prompts, drawn at random, by whom they teach.

    A held-out prompt stays out wherever it comes from: pairs chosen for being hard would make the examination another
    one, and what is judged there teaches nobody.
    """
    teaching = [row for row in prompts if _split(row, params) == "train"]
    drawn = random.Random(seed).sample(teaching, min(most, len(teaching)))  # noqa: S311 - not secret
    roles = [role_of(row.prompt, params.judge_share) for row in drawn]
    reward = [row for row, role in zip(drawn, roles, strict=True) if role == "reward"]
    judge = [row for row, role in zip(drawn, roles, strict=True) if role == "judge"]
    return Asked(reward, judge, len(prompts) - len(teaching))


def _split(row: Prompt, params: PrepareParams) -> str:
    return split_of(row.prompt, params.validation_share, params.test_share)
