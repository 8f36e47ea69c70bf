"""Strict JSON: Python's parser takes NaN, 1e999, keys given twice and halves of surrogate pairs."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from components.feedback.reasons import Reason, RowError

#: No float is as large as a whole number of more digits.
_MAX_DIGITS = 308
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class StrictJson:
    """Decodes values one by one; a fault is told once its value is read: reading can go on behind it."""

    def __init__(self) -> None:
        self._fault: RowError | None = None
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._object,
            parse_float=self._float,
            parse_int=self._int,
            parse_constant=self._constant,
        )

    def decode(self, text: str) -> Any:
        """The one value that `text` holds.

        Raises:
            RowError: JSON, DUP_KEY or NONFINITE.
        """
        stripped = text.strip(" \t\r\n")
        try:
            value, end, fault = self.decode_at(stripped, 0)
        except json.JSONDecodeError as error:
            raise RowError(
                Reason.JSON, "", f"is not JSON: {error.msg} at character {error.pos + 1}"
            ) from None
        except RecursionError:
            raise RowError(Reason.JSON, "", "is nested too deep") from None
        if end < len(stripped):
            raise RowError(Reason.JSON, "", f"is not JSON: more text after the value, at character {end + 1}")
        if fault is not None:
            raise fault
        return value

    def decode_at(self, text: str, start: int) -> tuple[Any, int, RowError | None]:
        """The value that begins at `start`, where it ends, and what is wrong with it.

        Raises:
            json.JSONDecodeError, RecursionError: where it ends cannot be told.
        """
        self._fault = None
        value, end = self._decoder.raw_decode(text, start)
        if self._fault is None and _SURROGATE.search(text, start, end):
            self._fault = _surrogate_fault(value)
        return value, end, self._fault

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        record = dict(pairs)
        if len(record) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            self._fault = RowError(Reason.DUP_KEY, ascii(twice)[1:-1][:40], "the key is given twice")
        return record

    def _float(self, text: str) -> float:
        number = float(text)
        return number if math.isfinite(number) else self._constant(text)

    def _int(self, text: str) -> float:
        return int(text) if len(text) <= _MAX_DIGITS else self._constant(text)

    def _constant(self, text: str) -> float:
        self._fault = RowError(Reason.NONFINITE, "", f"{text[:20]} is not a finite number")
        return math.nan


def _surrogate_fault(value: Any) -> RowError | None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return RowError(Reason.JSON, "", "holds half of a surrogate pair, which is no character")
    return None
