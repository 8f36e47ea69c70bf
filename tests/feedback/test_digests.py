"""Digests are kept for years: what was withdrawn is known by nothing else, so what they are made of never changes.

Where it must, manifest.SCHEMA_VERSION changes with it.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest

from components.feedback.draft import Draft, PromptText, Vote
from components.feedback.judgements import judgement_of
from components.feedback.manifest import SCHEMA_VERSION

TEXTS = b'["Which?","Blue.","Seven."]'
AT = datetime(2026, 3, 1, 8, tzinfo=UTC)


def _pair(vote, **fields):
    return Draft(
        "pairwise", PromptText("Which?"), ("Seven.", "Blue."), ("chosen", "rejected"), (vote,), **fields
    )


@pytest.mark.parametrize(
    ("draft", "said"),
    [
        (_pair(Vote("ann", 1.0, AT)), b'["pairwise",[["ann",0.0]],null,null,null,null,""]'),
        (
            _pair(Vote(None, 1.0), row_id="r1"),
            b'["pairwise",[["",0.0]],null,null,null,null,"",["id","r1"]]',
        ),
        (
            _pair(Vote(None, 0.5), created_at=AT, source="a tool", meta={"b": 1, "a": None}),
            b'["pairwise",[["",0.5]],null,null,null,null,"",'
            b'["record","2026-03-01T08:00:00+00:00",null,"a tool",null,{"a":null,"b":1}]]',
        ),
    ],
)
def test_a_judgement_is_known_by_what_it_says(draft, said):
    texts = hashlib.sha256(TEXTS).hexdigest()
    assert SCHEMA_VERSION == 2
    judged = judgement_of(0, 1, draft)
    assert judged.texts == texts
    assert judged.digest == hashlib.sha256(texts.encode() + said).hexdigest()
