"""Whether one draft may be accepted, by the default parameters."""

from __future__ import annotations

from pathlib import Path

from components.config import FeedbackParams
from components.feedback.draft import Draft
from components.feedback.rules import Rules

_DEFAULT = Rules.of(FeedbackParams(), Path())


def check(draft: Draft) -> tuple[str, ...]:
    """Pass a draft that may be accepted; see Rules.check."""
    return _DEFAULT.check(draft)
