"""Single values of a record: numbers that are finite, times that have a zone."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from components.feedback.limits import CLOCK_TOLERANCE, MAX_LEVELS
from components.feedback.reasons import Reason, RowError

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
_LARGEST = 1 << 53
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)


def kind_of(value: Any) -> str:
    """What a value is, in a person's words."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "true or false"
    kinds = ((str, "text"), (int | float | Decimal, "a number"), (list, "a list"), (Mapping, "an object"))
    return next((words for kind, words in kinds if isinstance(value, kind)), f"a {type(value).__name__}")


def as_number(value: Any, field: str, textual: bool = False) -> float:
    """A finite number. Text is a number only in a file that holds nothing else.

    Raises:
        RowError: TYPE, or NONFINITE for NaN, infinity and what overflows to it.
    """
    if textual and isinstance(value, str):
        value = _spelled(value.strip(), field)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise RowError(Reason.TYPE, field, f"is {kind_of(value)}, expected a number")
    try:
        number = float(value)
    except (OverflowError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise RowError(Reason.NONFINITE, field, "is not a finite number")
    return number


def as_whole(value: Any, field: str, textual: bool = False) -> int:
    """A whole number, also one that is written with ".0".

    Raises:
        RowError: TYPE, NONFINITE, or RANGE for one that no float holds to the last digit.
    """
    number = as_number(value, field, textual)
    if not number.is_integer():
        raise RowError(Reason.TYPE, field, "is not a whole number")
    if abs(number) > _LARGEST:
        raise RowError(Reason.RANGE, field, f"is {number:g}, which is too large")
    return int(number)


def as_moment(value: Any, field: str) -> datetime:
    """A time in UTC, from ISO 8601 text or from a time as Parquet holds it.

    Raises:
        RowError: TYPE, TZ for a time without zone, TIME for one in the future or outside the calendar.
    """
    try:
        moment = _from_text(value) if isinstance(value, str) else _in_utc(value)
    except OverflowError:
        raise RowError(Reason.TIME, field, "lies outside the calendar") from None
    except ValueError:
        what = f"is {value[:40]!a}, expected a time such as 2025-03-03T08:00:00Z"
        raise RowError(Reason.TYPE, field, what) from None
    except TypeError:
        raise RowError(Reason.TYPE, field, f"is {kind_of(value)}, expected a time") from None
    if moment.tzinfo is None:
        raise RowError(Reason.TZ, field, "has no time zone")
    if _CLOCK.is_ahead(moment):
        raise RowError(Reason.TIME, field, "lies in the future")
    return moment


def plain(value: Any, levels: int = MAX_LEVELS) -> Any:
    """The value as JSON can hold it; what JSON has no type for becomes text.

    Raises:
        RowError: JSON when lists and objects lie in each other deeper than `levels`.
    """
    if levels == 0:
        raise RowError(Reason.JSON, "", f"is nested more than {MAX_LEVELS} levels deep")
    if isinstance(value, Mapping):
        return {str(key): plain(item, levels - 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, levels - 1) for item in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    return value if isinstance(value, float) and math.isfinite(value) else str(value)


def _spelled(text: str, field: str) -> float:
    if _NOT_FINITE.fullmatch(text):
        raise RowError(Reason.NONFINITE, field, "is not a finite number")
    if not _NUMBER.fullmatch(text):
        raise RowError(Reason.TYPE, field, f"is {text[:40]!a}, expected a number")
    return float(text)


# The time of a row is asked for twice: of the row, and of its vote.
@lru_cache(maxsize=1024)
def _from_text(text: str) -> datetime:
    return _in_utc(datetime.fromisoformat(text.strip()))


def _in_utc(moment: Any) -> datetime:
    """The moment as a plain datetime in UTC; without zone where it has none.

    Raises:
        TypeError: it is no time. OverflowError: UTC's calendar ends before.
    """
    if not isinstance(moment, datetime):
        raise TypeError
    if moment.tzinfo is None:
        return moment
    moment = moment.astimezone(UTC)
    # Parquet can hand over a subclass of another library.
    return moment if type(moment) is datetime else datetime.combine(moment.date(), moment.time(), UTC)


class _Clock:
    """Tells what lies in the future. It looks at the time only for what is later than when it last looked."""

    def __init__(self) -> None:
        self._latest = datetime.min.replace(tzinfo=UTC)

    def is_ahead(self, moment: datetime) -> bool:
        if moment <= self._latest:
            return False
        self._latest = datetime.now(UTC) + CLOCK_TOLERANCE
        return moment > self._latest


_CLOCK = _Clock()
