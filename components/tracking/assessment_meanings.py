"""What the names of MLflow's assessments mean.

They are named freely: a boolean called `hallucinated` blames where `helpful` praises. Only names that speak for
themselves are read; a person says what the others mean, in the source's options.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from components.feedback.readers.wording import THUMBS
from components.feedback.sources.address import Address
from components.tracking.left_out import LeftOutError

Kind = Literal["pairwise", "rating", "thumbs", "edit", "demonstration"]
KINDS: tuple[Kind, ...] = ("pairwise", "rating", "thumbs", "edit", "demonstration")

_GOOD_WORDS = frozenset({
    "feedback", "thumb", "thumbs", "up", "like", "liked", "good", "helpful", "helpfulness", "useful", "correct",
    "correctness", "accurate", "accuracy", "relevant", "relevance", "satisfied", "satisfaction", "quality", "rating",
    "score", "star", "stars", "overall", "accepted", "approved", "passed",
})  # fmt: skip
#: Words that may stand beside a good one and leave it good.
_NEUTRAL_WORDS = frozenset({"is", "was", "user", "human", "answer", "response", "the", "of"})
_BAD = frozenset({"thumbs_down", "thumb_down", "dislike", "disliked"})
_PREFERRED = frozenset({"preferred", "preference", "better", "best", "winner", "choice"})
_CORRECTION = frozenset({
    "correction", "corrected", "corrected_response", "corrected_answer", "edit", "edited", "edited_response",
    "edited_answer", "rewrite", "revision", "revised_response", "improved_response",
})  # fmt: skip
_DEMONSTRATION = frozenset({
    "demonstration", "expected", "expected_response", "expected_answer", "expected_output", "reference",
    "reference_answer", "reference_response", "ground_truth", "gold_answer", "ideal_answer", "ideal_response",
})  # fmt: skip


@dataclass(frozen=True)
class Meanings:
    """What the names of assessments mean. None: those that speak for themselves."""

    good: frozenset[str] | None
    bad: frozenset[str]
    preferred: frozenset[str]
    correction: frozenset[str]
    demonstration: frozenset[str]

    @classmethod
    def of(cls, address: Address) -> Meanings:
        """As the options of an address say. Naming the good or bad ones takes these instead of the usual."""
        own = "good" in address.options or "bad" in address.options
        return cls(
            good=address.listed("good") if own else None,
            bad=address.listed("bad") if own else _BAD,
            preferred=address.listed("preferred") or _PREFERRED,
            correction=address.listed("correction") or _CORRECTION,
            demonstration=address.listed("demonstration") or _DEMONSTRATION,
        )

    def kind_of(self, name: str, value: Any) -> Kind:
        """The kind of record that an assessment makes.

        Raises:
            LeftOutError: the name does not tell, or the value is of another kind.
        """
        if _named(name, self.preferred):
            return "pairwise"
        if _named(name, self.correction):
            return _with_text(name, value, "edit")
        if _named(name, self.demonstration):
            return _with_text(name, value, "demonstration")
        if _named(name, self.bad):
            return _thumb(name, value)
        if _named(name, self.good) if self.good is not None else _praises(name):
            return "rating" if _is_number(value) else _thumb(name, value)
        what = f"nothing says what {name[:60]!a} means"
        raise LeftOutError(
            what, f"add ?good={_shown(name)} or ?bad={_shown(name)} to the address, or leave it"
        )

    def blames(self, name: str) -> bool:
        return _named(name, self.bad)


def _named(name: str, names: frozenset[str]) -> bool:
    return name in names or _folded(name) in names


def _folded(name: str) -> str:
    return "_".join(re.findall(r"[^\W_]+", name.lower()))


def _praises(name: str) -> bool:
    words = set(_folded(name).split("_"))
    return bool(words & _GOOD_WORDS) and words <= _GOOD_WORDS | _NEUTRAL_WORDS


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _thumb(name: str, value: Any) -> Kind:
    if not isinstance(value, bool | str) or thumb_key(value) not in THUMBS:
        raise LeftOutError(
            f"the value of {name[:60]!a} is no thumb and no number", "log true, false or a number"
        )
    return "thumbs"


def _with_text(name: str, value: Any, kind: Kind) -> Kind:
    if not isinstance(value, str):
        raise LeftOutError(f"the value of {name[:60]!a} is no text", "log the whole answer as one text")
    return kind


def thumb_key(value: Any) -> Any:
    """The value as THUMBS knows it."""
    return value.strip().lower() if isinstance(value, str) else value


def _shown(name: str) -> str:
    return ascii(name[:60])[1:-1]
