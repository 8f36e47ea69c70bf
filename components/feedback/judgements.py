"""When two records are one judgement, and when a person contradicts himself."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from components.feedback.draft import FIRST, SECOND, Draft
from components.feedback.parsing.record import Record
from components.feedback.reasons import Reason, RowError
from components.files import sha256_bytes


@dataclass(frozen=True)
class Judgement:
    """A sound record, its draft, and the digest of what it says."""

    record: Record
    draft: Draft
    digest: str


@dataclass(frozen=True)
class Refusal:
    """A record that is not accepted, and why."""

    record: Record
    fault: RowError


def digest_of_judgement(draft: Draft) -> str:
    """SHA-256 of what a judgement says; records with one digest are one judgement.

    Said by named people, it is who said what about which texts: under another id or at another time it is the
    same. Where nobody is named, two people may have said the same: the id tells, or else the whole record.
    """
    content: list[Any] = [draft.kind, draft.prompt.text, *_verdict(draft)]
    if not _is_signed(draft):
        content.append(
            ["id", draft.row_id] if draft.row_id is not None else ["record", *_circumstances(draft)]
        )
    return sha256_bytes(json.dumps(content, sort_keys=True).encode("ascii"))


def without_repeats(
    judgements: Iterable[Judgement], known: Mapping[str, str], refusals: list[Refusal]
) -> list[Judgement]:
    """The judgements that are new; the others go to `refusals` as DUPLICATE, or as DUP_ID.

    Args:
        known: digests of accepted judgements -> the batch they came in.
    """
    lines: dict[str, int] = {}
    owners: dict[str, int] = {}
    kept = []
    for judgement in judgements:
        fault = _repeat_fault(judgement, known, lines, owners)
        if fault is not None:
            refusals.append(Refusal(judgement.record, fault))
            continue
        lines[judgement.digest] = judgement.record.line
        if judgement.draft.row_id is not None:
            owners[judgement.draft.row_id] = judgement.record.line
        kept.append(judgement)
    return kept


def without_conflicts(judgements: list[Judgement], refusals: list[Refusal]) -> list[Judgement]:
    """The judgements but for those in which a named person prefers both of two answers, each once.

    Both go to `refusals`: which of them holds, nobody can tell. A tie contradicts no preference.
    """
    voices: defaultdict[tuple[str, ...], defaultdict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for place, judgement in enumerate(judgements):
        for voice, preferred in _preferences(judgement.draft):
            voices[voice][preferred].append(place)
    conflicts: dict[int, RowError] = {}
    for (annotator, *_), sides in voices.items():
        if len(sides) > 1:
            places = sorted({place for side in sides.values() for place in side})
            conflicts |= {place: _conflict(annotator, places, judgements) for place in places}
    refusals.extend(Refusal(judgements[place].record, fault) for place, fault in conflicts.items())
    return [judgement for place, judgement in enumerate(judgements) if place not in conflicts]


def _verdict(draft: Draft) -> list[Any]:
    """The responses and what was said of them. A pair is one pair in either order."""
    votes = [(vote.annotator or "", vote.label) for vote in draft.votes]
    responses = list(draft.responses)
    if draft.kind == "pairwise" and responses[0] > responses[1]:
        responses.reverse()
        votes = [(annotator, 1 - label) for annotator, label in votes]
    writer = draft.annotator if not draft.votes else None
    return [responses, sorted(votes), draft.ranks, draft.scale, draft.strength, writer, draft.occasion]


def _is_signed(draft: Draft) -> bool:
    """Whether everybody who judged or wrote is named."""
    if draft.votes:
        return all(vote.annotator is not None for vote in draft.votes)
    return draft.annotator is not None


def _circumstances(draft: Draft) -> list[Any]:
    at = draft.created_at.isoformat() if draft.created_at else None
    return [at, draft.annotator, draft.source, draft.language, draft.meta]


def _repeat_fault(
    judgement: Judgement, known: Mapping[str, str], lines: Mapping[str, int], owners: Mapping[str, int]
) -> RowError | None:
    row_id = judgement.draft.row_id
    if judgement.digest in known:
        return RowError(Reason.DUPLICATE, "", f"repeats a judgement of batch {known[judgement.digest]}")
    if judgement.digest in lines:
        return RowError(Reason.DUPLICATE, "", f"repeats the judgement of line {lines[judgement.digest]}")
    if row_id is not None and row_id in owners:
        return RowError(Reason.DUP_ID, "id", f"was given to the judgement of line {owners[row_id]}")
    return None


def _preferences(draft: Draft) -> Iterator[tuple[tuple[str, ...], str]]:
    """(annotator, prompt, the two responses in a fixed order) and the response that was preferred."""
    if draft.kind != "pairwise":
        return
    pair = sorted(draft.responses)
    for vote in draft.votes:
        if vote.annotator is not None and vote.label in (FIRST, SECOND):
            preferred = draft.responses[0 if vote.label == FIRST else 1]
            yield (vote.annotator, draft.prompt.text, *pair), preferred


def _conflict(annotator: str, places: list[int], judgements: list[Judgement]) -> RowError:
    lines = " and ".join(str(judgements[place].record.line) for place in places[:5])
    what = f"{annotator!a} prefers both responses, each once (lines {lines})"
    return RowError(Reason.SELF_CONFLICT, "annotator", what)
