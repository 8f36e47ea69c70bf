"""What a draft must be like apart from what its texts hold: they show something and differ; votes, ranks, times."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from components.feedback.draft import Draft
from components.feedback.limits import MAX_NAME_CHARS
from components.feedback.reasons import Reason, RowError
from components.feedback.rules.characters import bidi_in, control_in, folded, is_empty
from components.feedback.rules.lengths import is_longer
from components.feedback.rules.marks import check_mark

_VOTED = ("pairwise", "rating", "thumbs")


def check_structure(draft: Draft, since: datetime, max_tokens: int) -> None:
    """Pass a draft whose texts may be looked into.

    Args:
        since: judgements before are mistakes.
        max_tokens: words and signs that a text may have.

    Raises:
        RowError: the first thing that is wrong with it.
    """
    _check_not_empty(draft)
    _check_lengths(draft, max_tokens)
    _check_names(draft)
    check_mark(draft)
    _check_times(draft, since)
    if draft.kind == "ranking":
        _check_ranks(draft)
    _check_different(draft)
    if not draft.votes and draft.kind in _VOTED:
        raise RowError(Reason.NO_VOTES, "", "nobody has judged it")


def _check_not_empty(draft: Draft) -> None:
    prompt = draft.prompt
    if is_empty(prompt.text) or any(is_empty(message.content) for message in prompt.messages or ()):
        raise RowError(Reason.EMPTY_PROMPT, prompt.name, "is empty")
    for place, response in enumerate(draft.responses):
        if is_empty(response):
            raise RowError(Reason.EMPTY_RESP, draft.response_names[place], "is empty")


def _check_lengths(draft: Draft, max_tokens: int) -> None:
    texts = (draft.prompt.text, *draft.responses)
    if max(map(len, texts)) <= max_tokens:
        return
    for field, text in zip((draft.prompt.name, *draft.response_names), texts, strict=True):
        if is_longer(text, max_tokens):
            raise RowError(Reason.TOO_LONG, field, f"has more than {max_tokens} words and signs")


def _check_names(draft: Draft) -> None:
    for field, name in _names(draft):
        if len(name) > MAX_NAME_CHARS:
            raise RowError(Reason.RANGE, field, f"is longer than {MAX_NAME_CHARS} characters")
        if not name.isprintable():
            _check_characters(field, name)


def _check_characters(field: str, name: str) -> None:
    if found := control_in(name):
        raise RowError(Reason.CONTROL, field, found)
    if found := bidi_in(name):
        raise RowError(Reason.BIDI, field, found)


def _names(draft: Draft) -> Iterator[tuple[str, str]]:
    if draft.row_id is not None:
        yield "id", draft.row_id
    if draft.annotator is not None:
        yield "annotator", draft.annotator
    if draft.source is not None:
        yield "source", draft.source
    if draft.language is not None:
        yield "language", draft.language
    for vote in draft.votes:
        if vote.annotator is not None and vote.annotator is not draft.annotator:
            yield "annotator", vote.annotator


def _check_times(draft: Draft, since: datetime) -> None:
    if draft.created_at is not None and draft.created_at < since:
        raise RowError(Reason.TIME, "created_at", _early(since))
    for vote in draft.votes:
        if vote.at is not None and vote.at < since:
            raise RowError(Reason.TIME, "votes", _early(since))


def _early(since: datetime) -> str:
    return f"lies before {since:%Y-%m-%d}, when the project began (feedback.since)"


def _check_ranks(draft: Draft) -> None:
    ranks = draft.ranks or ()
    if len(ranks) != len(draft.responses):
        raise RowError(Reason.RANGE, "ranks", f"there are {len(ranks)} for {len(draft.responses)} responses")
    if len(ranks) < 2:
        raise RowError(Reason.RANGE, "responses", "a ranking needs two or more")
    if min(ranks) < 1:
        raise RowError(Reason.RANGE, "ranks", f"holds {min(ranks)}, but the best rank is 1")


def _check_different(draft: Draft) -> None:
    seen: dict[str, str] = {}
    for field, response in zip(draft.response_names, draft.responses, strict=True):
        other = seen.setdefault(folded(response), field)
        if other != field:
            raise RowError(Reason.IDENTICAL, field, f"is the same as {other}")
