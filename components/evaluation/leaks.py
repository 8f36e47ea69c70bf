"""Evaluation prompts that were learned from, whatever stands between their words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from components.evaluation.words import plain_words


def leaked_share(evaluated: Sequence[str], learned: Iterable[str]) -> float:
    """Share of the evaluated prompts whose words, in their order, are those of a prompt that was learned from."""
    known = {_words(prompt) for prompt in learned}
    return sum(_words(prompt) in known for prompt in evaluated) / len(evaluated)


def _words(prompt: str) -> tuple[str, ...]:
    # A prompt of signs alone is itself.
    return tuple(plain_words(prompt)) or (prompt.strip(),)
