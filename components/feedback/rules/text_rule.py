"""What a rule about one text is: a code, an exact finder, and a hint that is quick to look for in a million."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from components.feedback.reasons import Reason


@dataclass(frozen=True)
class TextRule:
    """One rule about one text.

    Attributes:
        code: why a row is refused, or what it is tagged with.
        find: what is wrong with a text, in ASCII and without quoting what is private; or None.
        hint: a regular expression of the Rust engine. Every text that `find` objects to matches it; most
            others don't. It only saves time: what `find` says alone decides.
    """

    code: Reason
    find: Callable[[str], str | None]
    hint: str
