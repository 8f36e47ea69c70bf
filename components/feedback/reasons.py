"""Why a row or a batch is refused, held or tagged: a code for machines, words for people, and what to do."""

from __future__ import annotations

from enum import StrEnum

from components.errors import FeedbackError


class Reason(StrEnum):
    """Every code that a manifest, a quarantined row or a tag can carry."""

    # a batch is refused
    PATH = "PATH"
    ENCODING = "ENCODING"
    TRUNCATED = "TRUNCATED"
    DAMAGED = "DAMAGED"
    BOMB = "BOMB"
    ARCHIVE = "ARCHIVE"
    TOO_LARGE = "TOO_LARGE"
    EMPTY = "EMPTY"
    MAGIC = "MAGIC"
    PICKLE = "PICKLE"
    SCHEMA_VER = "SCHEMA_VER"
    DIGEST = "DIGEST"
    ID_REUSE = "ID_REUSE"
    AMBIGUOUS = "AMBIGUOUS"
    BAD_RATIO = "BAD_RATIO"
    SECRET = "SECRET"  # noqa: S105 - the name of a code
    # a batch or a row is refused
    MISSING_COL = "MISSING_COL"
    JSON = "JSON"
    DUP_KEY = "DUP_KEY"
    AUTOMATIC = "AUTOMATIC"
    # a row is refused
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
    TOO_LONG = "TOO_LONG"
    TEMPLATE = "TEMPLATE"
    PII = "PII"
    EVAL_LEAK = "EVAL_LEAK"
    DUP_ID = "DUP_ID"
    ID_CONFLICT = "ID_CONFLICT"
    SELF_CONFLICT = "SELF_CONFLICT"
    DUPLICATE = "DUPLICATE"
    WITHDRAWN = "WITHDRAWN"
    # a batch waits for a person
    SPAM = "SPAM"
    DOMINANT = "DOMINANT"
    SHIFT = "SHIFT"
    POISON = "POISON"
    AGREEMENT = "AGREEMENT"
    # a batch is tagged
    CYCLE = "CYCLE"
    LENGTH_BIAS = "LENGTH_BIAS"
    # a row is tagged
    ZW = "ZW"
    HOMOGLYPH = "HOMOGLYPH"
    FORMULA = "FORMULA"
    HTML = "HTML"
    LANG = "LANG"


#: Codes that refuse a whole batch and nothing smaller; each such error says its own remedy.
OF_BATCHES = frozenset(
    {
        Reason.PATH, Reason.ENCODING, Reason.TRUNCATED, Reason.DAMAGED, Reason.BOMB, Reason.ARCHIVE, Reason.TOO_LARGE,
        Reason.EMPTY, Reason.MAGIC, Reason.PICKLE, Reason.SCHEMA_VER, Reason.DIGEST, Reason.ID_REUSE,
        Reason.AMBIGUOUS, Reason.BAD_RATIO, Reason.SECRET,
    }
)  # fmt: skip
#: Codes for which a batch waits until a person releases or refuses it.
HOLDS = frozenset({Reason.SPAM, Reason.DOMINANT, Reason.SHIFT, Reason.POISON, Reason.AGREEMENT})
#: Codes of what is accepted, with a mark: of a batch, and of a row (column `tags`).
BATCH_TAGS = frozenset({Reason.CYCLE, Reason.LENGTH_BIAS})
ROW_TAGS = frozenset({Reason.ZW, Reason.HOMOGLYPH, Reason.FORMULA, Reason.HTML, Reason.LANG})

#: What a person does about a quarantined row, a batch that waits, or a tag.
REMEDIES: dict[Reason, str] = {
    Reason.MISSING_COL: "add the field to this row",
    Reason.JSON: "write the row as one JSON object on one line",
    Reason.DUP_KEY: "keep one of the two",
    Reason.AUTOMATIC: "give people names without auto:, and what no person judged a name with it and automatic: true",
    Reason.CSV: "quote fields that hold commas, quotes or line breaks, and double the quotes inside",
    Reason.LINE_LONG: "shorten the record to 1 MiB",
    Reason.NONFINITE: "write a finite number, or leave an optional field out",
    Reason.TYPE: "write the value in the type that is expected",
    Reason.RANGE: "write one of the values that are allowed",
    Reason.TZ: "write the time with its zone, such as 2025-03-03T08:00:00+00:00",
    Reason.TIME: "check the clock that wrote the time",
    Reason.CHAT: "give turns as a list of {role, content}; a prompt ends with the user's, an answer is the model's",
    Reason.NO_VOTES: "export the items that somebody has judged, or leave this one for the next batch",
    Reason.EMPTY_PROMPT: "drop the row or give the prompt",
    Reason.EMPTY_RESP: "drop the row or give the response",
    Reason.IDENTICAL: "drop the row: there is nothing to prefer",
    Reason.CONTROL: "remove the control characters",
    Reason.BIDI: "remove the bidirectional control characters",
    Reason.SPECIAL_TOKEN: "write it otherwise (<del> for <s>): a tokenizer takes it for a command",
    Reason.TOO_LONG: "shorten the text, or raise feedback.max_tokens in params.yaml",
    Reason.TEMPLATE: "give a chat as a list of {role, content}; put code that is meant as text between backticks",
    Reason.PII: "replace it, such as by [email], [phone] or [card]",
    Reason.EVAL_LEAK: "drop the row: a model that learns it has seen its own examination",
    Reason.DUP_ID: "give each judgement its own id",
    Reason.ID_CONFLICT: "give the judgement an id of its own, or withdraw the one that it corrects "
    "(`rlhf feedback withdraw BATCH --line N`) and bring this file again (`rlhf feedback retry`)",
    Reason.SELF_CONFLICT: "ask the annotator which one holds and send that one",
    Reason.DUPLICATE: "nothing: the judgement is counted once",
    Reason.WITHDRAWN: "nothing: what was withdrawn cannot come in again",
    Reason.SPAM: "look at what the annotator answered; refuse the batch, or withdraw that person's rows",
    Reason.DOMINANT: "ask more people, or release the batch if one person's taste is what you want",
    Reason.SHIFT: "find out what has changed in the task, the tool or the people, then release or refuse",
    Reason.POISON: "read answers with the phrase, then release or refuse",
    Reason.AGREEMENT: "look at pairs on which people disagree: the guideline may be unclear",
    Reason.CYCLE: "nothing, or ask for more votes on these answers: together the preferences have no order",
    Reason.LENGTH_BIAS: 'check that the reward model beats "the longer one wins" (longer_wins_accuracy)',
    Reason.ZW: "nothing: the text is kept as it is; look for an attempt to hide a word",
    Reason.HOMOGLYPH: "nothing: the text is kept as it is; look for an attempt to disguise a word",
    Reason.FORMULA: "nothing: the text is escaped on its way to a spreadsheet",
    Reason.HTML: "nothing: the text is escaped wherever it is shown",
    Reason.LANG: "nothing, or send feedback in the languages of feedback.languages",
}

#: Refused, because the judgement came before; counted apart from what is wrong.
REPEATS = frozenset({Reason.DUPLICATE, Reason.WITHDRAWN})
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

    def __reduce__(self) -> tuple[type[RowError], tuple[Reason, str, str]]:
        """How it goes to another process: exceptions forget all but their message."""
        return RowError, (self.code, self.field, self.what)

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

    def __reduce__(self) -> tuple[type[BatchError], tuple[Reason, str, str, int, dict[str, int]]]:
        """As of RowError."""
        rows = {code: count for code, count in self.reasons.items() if code != str(self.code)}
        return BatchError, (self.code, self.message, self.remedy, self.read, rows)
