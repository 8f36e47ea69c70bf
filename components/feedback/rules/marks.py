"""A row by a machine says so, and no other row looks as if it did."""

from __future__ import annotations

from components.feedback.automatic.names import PREFIX, is_reserved
from components.feedback.draft import Draft
from components.feedback.reasons import Reason, RowError


def check_mark(draft: Draft) -> None:
    """Pass a draft whose mark and names agree.

    Raises:
        RowError: AUTOMATIC.
    """
    if draft.automatic:
        _check_marked(draft)
        return
    for field, name in (("source", draft.source), *(("annotator", name) for name in _annotators(draft))):
        if name is not None and is_reserved(name):
            what = f"is {name[:40]!a}, a name of automatic feedback, and the row does not say automatic: true"
            raise RowError(Reason.AUTOMATIC, field, what)


def _check_marked(draft: Draft) -> None:
    if draft.kind != "pairwise":
        what = f"is true of a row of kind {draft.kind}: only pairs are judged automatically"
        raise RowError(Reason.AUTOMATIC, "automatic", what)
    for name in _annotators(draft):
        if name is None or not name.startswith(PREFIX):
            what = f"is {(name or '')[:40]!a}, but the row says automatic: true: then it begins with {PREFIX}"
            raise RowError(Reason.AUTOMATIC, "annotator", what)


def _annotators(draft: Draft) -> list[str | None]:
    votes = [vote.annotator for vote in draft.votes]
    return [*votes, draft.annotator] if draft.annotator is not None or not votes else votes
