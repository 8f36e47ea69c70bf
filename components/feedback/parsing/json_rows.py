"""JSON files: one object a line, or one array of objects. A bad row costs that row, never its neighbours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from components.feedback.parsing.record import Parsed, Record, long_record, record_of, too_long, usual_columns
from components.feedback.parsing.strict_json import StrictJson
from components.feedback.reasons import BatchError, Reason, RowError

_BLANKS = " \t\r\n"


def parse_lines(text: str) -> Parsed:
    """JSONL. Lines end at a line feed alone: other separators are text. Blank lines are no records."""
    decoder = StrictJson()
    numbered = enumerate(text.split("\n"), start=1)
    records = [_line(decoder, number, line) for number, line in numbered if line.strip(_BLANKS)]
    return Parsed(records, usual_columns(records))


def parse_json(name: str, text: str) -> Parsed:
    """A .json file: one array, or, as many tools write it, one object a line.

    Raises:
        BatchError: TRUNCATED or JSON when the array itself is broken: its records cannot be told apart then.
    """
    if not text.lstrip(_BLANKS).startswith("["):
        return parse_lines(text)
    records = list(_elements(name, text))
    return Parsed(records, usual_columns(records))


def _line(decoder: StrictJson, number: int, line: str) -> Record:
    if too_long(line):
        return long_record(number, line)
    try:
        return record_of(number, line, decoder.decode(line))
    except RowError as fault:
        return Record(number, line, fault=fault)


def _elements(name: str, text: str) -> Iterator[Record]:
    """The array's elements, each with the line it begins on."""
    decoder = StrictJson()
    place = _past_blanks(text, text.index("[") + 1)
    line, counted = 1, 0
    while text[place : place + 1] != "]":
        line, counted = line + text.count("\n", counted, place), place
        value, end, fault = _decode(decoder, name, text, place)
        yield _element(line, text[place:end], value, fault)
        place = _past_comma(name, text, end)
    if text[place + 1 :].strip(_BLANKS):
        raise _broken(name, text, place + 1, "more text after the array")


def _element(line: int, raw: str, value: Any, fault: RowError | None) -> Record:
    if too_long(raw):
        return long_record(line, raw)
    return record_of(line, raw, value) if fault is None else Record(line, raw, fault=fault)


def _decode(decoder: StrictJson, name: str, text: str, place: int) -> tuple[Any, int, RowError | None]:
    try:
        return decoder.decode_at(text, place)
    except json.JSONDecodeError as error:
        raise _broken(name, text, error.pos, error.msg) from None
    except RecursionError:
        raise _broken(name, text, place, "nested too deep") from None


def _past_comma(name: str, text: str, end: int) -> int:
    """Where the next element begins, or the bracket that closes the array."""
    place = _past_blanks(text, end)
    if text[place : place + 1] == "]":
        return place
    if text[place : place + 1] != ",":
        raise _broken(name, text, place, "expected a comma or the end of the array")
    place = _past_blanks(text, place + 1)
    if text[place : place + 1] == "]":
        raise _broken(name, text, place, "a comma before the end of the array")
    return place


def _past_blanks(text: str, place: int) -> int:
    while text[place : place + 1] in _BLANKS and place < len(text):
        place += 1
    return place


def _broken(name: str, text: str, place: int, what: str) -> BatchError:
    if not text.rstrip(_BLANKS).endswith("]"):
        return BatchError(Reason.TRUNCATED, f"{name} ends inside its JSON array", "send the whole file again")
    line = text.count("\n", 0, place) + 1
    return BatchError(Reason.JSON, f"{name} line {line} is not JSON: {what}", "mend the array at this place")
