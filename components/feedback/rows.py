"""From a judgement to a row of the canonical schema."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from components.feedback.judgements import Judgement

#: Rows without an id of their own are named by so many digits of their digest.
_NAME_DIGITS = 16


def row_of(judgement: Judgement, default_source: str, tags: Sequence[str] = ()) -> dict[str, Any]:
    """Columns of components/feedback/schema.py; `tags` are what Rules.check said of the draft."""
    draft = judgement.draft
    scale_min, scale_max = draft.scale or (None, None)
    messages = draft.prompt.messages
    return {
        "row_id": draft.row_id or judgement.digest[:_NAME_DIGITS],
        "line": judgement.record.line,
        "kind": draft.kind,
        "prompt": draft.prompt.text,
        "messages": None if messages is None else [message._asdict() for message in messages],
        "responses": list(draft.responses),
        "ranks": None if draft.ranks is None else list(draft.ranks),
        "scale_min": scale_min,
        "scale_max": scale_max,
        "strength": draft.strength,
        "votes": [{"annotator": vote.annotator, "label": vote.label, "at": vote.at} for vote in draft.votes],
        "annotator": draft.annotator,
        "created_at": draft.created_at,
        "source": draft.source or default_source,
        "language": draft.language,
        "gold": draft.gold,
        "seconds": draft.seconds,
        "tags": list(tags),
        "meta": json.dumps(draft.meta, sort_keys=True),
        "digest": judgement.digest,
    }
