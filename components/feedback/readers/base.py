"""What a reader is: the fields it needs, and how one record becomes a draft."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from components.feedback.draft import Draft, Vote
from components.feedback.fields import Fields
from components.feedback.readers.wording import YES


@dataclass(frozen=True)
class Reader:
    """One format of feedback.

    Attributes:
        name: what `--format` calls it, and the `source` of rows that name none.
        needs: sets of fields; a file of this format has every field of one of them.
        read: one record as a draft. Raises RowError for a record that does not fit.
        shy_of: fields that make the format a guess that ingestion should not take by itself.
        modest: whether it is meant only where no other format fits.
        made: names that the reader gives to people whom the file does not name: of each record, all of them.
    """

    name: str
    needs: tuple[frozenset[str], ...]
    read: Callable[[Fields], Draft]
    shy_of: frozenset[str] = frozenset()
    modest: bool = False
    made: frozenset[str] = frozenset()

    def lacks(self, columns: frozenset[str]) -> list[str]:
        """Fields that the nearest of the needed sets still misses, sorted."""
        return min((sorted(fields - columns) for fields in self.needs), key=len)

    def fits(self, columns: frozenset[str]) -> frozenset[str] | None:
        """The largest needed set that the columns hold, or None."""
        return max((fields for fields in self.needs if fields <= columns), key=len, default=None)


def needing(*fields: str) -> frozenset[str]:
    return frozenset(fields)


def single_vote(fields: Fields, label: float) -> tuple[Vote, ...]:
    """The record's one judgement, by its annotator at its time."""
    return (Vote(fields.name("annotator"), label, fields.moment("created_at")),)


def complete(fields: Fields, draft: Draft, id_name: str = "id") -> Draft:
    """The draft with the fields that every format may have; what is left of the record goes to meta."""
    draft.row_id = fields.name(id_name)
    draft.annotator = fields.name("annotator")
    draft.created_at = fields.moment("created_at")
    draft.source = fields.name("source")
    draft.language = fields.name("language")
    draft.automatic = fields.optional_choice("automatic", YES, "true or false") == 1.0
    if draft.seconds is None:
        draft.seconds = fields.amount("seconds")
    # Last: it holds what nothing above has read.
    if rest := fields.rest():
        draft.meta = {**draft.meta, **rest}
    return draft
