"""Why a row or a whole batch is refused: a code for machines, words for people, and what to do about it."""

from __future__ import annotations

from enum import StrEnum

from components.errors import FeedbackError


class Reason(StrEnum):
    """Every code that a manifest or a quarantined row can carry."""

    # of a batch
    ENCODING = "ENCODING"
    TRUNCATED = "TRUNCATED"
    DAMAGED = "DAMAGED"
    BOMB = "BOMB"
    ARCHIVE = "ARCHIVE"
    TOO_LARGE = "TOO_LARGE"
    EMPTY = "EMPTY"
    MAGIC = "MAGIC"
    AMBIGUOUS = "AMBIGUOUS"
    BAD_RATIO = "BAD_RATIO"
    # of a batch or of a row
    MISSING_COL = "MISSING_COL"
    JSON = "JSON"
    DUP_KEY = "DUP_KEY"
    # of a row
    CSV = "CSV"
    LINE_LONG = "LINE_LONG"
    NONFINITE = "NONFINITE"
    TYPE = "TYPE"
    RANGE = "RANGE"
    TZ = "TZ"
    TIME = "TIME"
    CHAT = "CHAT"
    NO_VOTES = "NO_VOTES"
    EMPTY_PROMPT = "EMPTY_PROMPT"
    EMPTY_RESP = "EMPTY_RESP"
    IDENTICAL = "IDENTICAL"
    CONTROL = "CONTROL"
    BIDI = "BIDI"
    SPECIAL_TOKEN = "SPECIAL_TOKEN"  # noqa: S105 - a token of text, not a secret
    DUP_ID = "DUP_ID"
    SELF_CONFLICT = "SELF_CONFLICT"
    DUPLICATE = "DUPLICATE"


#: What a person does about a quarantined row.
REMEDIES: dict[Reason, str] = {
    Reason.MISSING_COL: "add the field to this row",
    Reason.JSON: "write the row as one JSON object on one line",
    Reason.DUP_KEY: "keep one of the two",
    Reason.CSV: "quote fields that hold commas, quotes or line breaks, and double the quotes inside",
    Reason.LINE_LONG: "shorten the record to 1 MiB",
    Reason.NONFINITE: "write a finite number, or leave an optional field out",
    Reason.TYPE: "write the value in the type that is expected",
    Reason.RANGE: "write one of the values that are allowed",
    Reason.TZ: "write the time with its zone, such as 2025-03-03T08:00:00+00:00",
    Reason.TIME: "check the clock that wrote the time",
    Reason.CHAT: "give the turns as a list of {role, content} that ends with the user's",
    Reason.NO_VOTES: "export the items that somebody has judged, or leave this one for the next batch",
    Reason.EMPTY_PROMPT: "drop the row or give the prompt",
    Reason.EMPTY_RESP: "drop the row or give the response",
    Reason.IDENTICAL: "drop the row: there is nothing to prefer",
    Reason.CONTROL: "remove the control characters",
    Reason.BIDI: "remove the bidirectional control characters",
    Reason.SPECIAL_TOKEN: "write it otherwise (<del> for <s>): a tokenizer takes it for a command",
    Reason.DUP_ID: "give each judgement its own id",
    Reason.SELF_CONFLICT: "ask the annotator which one holds and send that one",
    Reason.DUPLICATE: "nothing: the judgement is counted once",
}

#: Refused, but no sign of a bad batch: an item that nobody has judged yet.
HARMLESS = frozenset({Reason.NO_VOTES})


class RowError(Exception):
    """One row cannot be accepted.

    Args:
        code: the reason.
        field: the field at fault, or "" for the row as a whole.
        what: what is wrong with it; holds nothing of the row's text but ASCII.
    """

    def __init__(self, code: Reason, field: str, what: str) -> None:
        super().__init__(what)
        self.code = code
        self.field = field if field.isascii() and field.isprintable() else ascii(field)[1:-1]
        self.what = what

    def message(self, place: str) -> str:
        """Where, what and what to do; `place` is such as "batch.jsonl line 12"."""
        field = f"{self.field}: " if self.field else ""
        return f"{place}: {field}{self.what}; {REMEDIES[self.code]}"


class BatchError(FeedbackError):
    """A whole batch cannot be accepted.

    Args:
        code: the reason.
        message: what is wrong, naming the file.
        remedy: what to do.
        rows: for BAD_RATIO, how many rows the batch has and the reasons of the bad ones.
    """

    def __init__(
        self, code: Reason, message: str, remedy: str, read: int = 0, rows: dict[str, int] | None = None
    ) -> None:
        super().__init__(message, remedy)
        self.code = code
        self.read = read
        self.reasons = {str(code): 1} | (rows or {})
