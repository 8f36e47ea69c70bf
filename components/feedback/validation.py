"""Whether one draft may be accepted, looked at by itself."""

from __future__ import annotations

from collections.abc import Iterator

from components.feedback.draft import Draft
from components.feedback.limits import MAX_NAME_CHARS
from components.feedback.reasons import Reason, RowError
from components.feedback.texts import bidi_in, control_in, folded, is_empty, special_token_in


def check(draft: Draft) -> None:
    """Pass a draft that may be accepted.

    Raises:
        RowError: the first thing that is wrong with it.
    """
    _check_not_empty(draft)
    for field, text in _texts(draft):
        _check_characters(field, text)
        _check_tokens(field, text)
    for field, name in _names(draft):
        _check_name(field, name)
    if draft.kind == "ranking":
        _check_ranks(draft)
    _check_different(draft)
    if draft.kind in ("pairwise", "rating", "thumbs") and not draft.votes:
        raise RowError(Reason.NO_VOTES, "", "nobody has judged it")


def _check_not_empty(draft: Draft) -> None:
    turns = [message.content for message in draft.prompt.messages or ()] or [draft.prompt.text]
    if any(is_empty(turn) for turn in turns):
        raise RowError(Reason.EMPTY_PROMPT, draft.prompt.name, "is empty")
    for field, response in zip(draft.response_names, draft.responses, strict=True):
        if is_empty(response):
            raise RowError(Reason.EMPTY_RESP, field, "is empty")


def _check_characters(field: str, text: str) -> None:
    if found := control_in(text):
        raise RowError(Reason.CONTROL, field, f"holds the control character {found}")
    if found := bidi_in(text):
        raise RowError(Reason.BIDI, field, f"holds the bidirectional control character {found}")


def _check_tokens(field: str, text: str) -> None:
    if found := special_token_in(text):
        raise RowError(Reason.SPECIAL_TOKEN, field, f"holds the special token {found}")


def _check_name(field: str, name: str) -> None:
    _check_characters(field, name)
    if len(name) > MAX_NAME_CHARS:
        raise RowError(Reason.RANGE, field, f"is longer than {MAX_NAME_CHARS} characters")


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


def _texts(draft: Draft) -> Iterator[tuple[str, str]]:
    yield draft.prompt.name, draft.prompt.text
    yield from zip(draft.response_names, draft.responses, strict=True)


def _names(draft: Draft) -> Iterator[tuple[str, str]]:
    fields = {
        "id": draft.row_id,
        "annotator": draft.annotator,
        "source": draft.source,
        "language": draft.language,
    }
    yield from ((field, name) for field, name in fields.items() if name is not None)
    yield from (("annotator", vote.annotator) for vote in draft.votes if vote.annotator is not None)
