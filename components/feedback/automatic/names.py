"""Feedback that no person gave: how it is marked, and the names that are kept for it.

Whoever judges automatically is called `auto:` and something, and each of their rows says `automatic: true`. Both or
neither: a row that lost one of them is refused (rules/marks.py), so such feedback is never taken for people's.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import polars as pl

from components.feedback.unseen import is_seen

#: What the names of automatic annotators, and of their sources, begin with.
PREFIX = "auto:"
#: Of rows of the canonical schema.
BY_PEOPLE = ~pl.col("automatic")


@lru_cache(maxsize=4096)
def is_reserved(name: str) -> bool:
    """Whether a name is, or looks like, one of an automatic annotator: whatever its case, width and unseen signs."""
    seen = "".join(filter(is_seen, unicodedata.normalize("NFKC", name).casefold()))
    return seen.startswith(PREFIX)
