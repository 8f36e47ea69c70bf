"""How much of a file may be bad before the whole of it is refused."""

from __future__ import annotations

from collections.abc import Mapping

from components.feedback.limits import BAD_SHARE_ROWS, MAX_BAD_SHARE
from components.feedback.reasons import HARMLESS, BatchError, Reason


def check_share(file: str, read: int, sound: int, reasons: Mapping[str, int], first_fault: str) -> None:
    """Pass a file of which enough is sound.

    Args:
        read: rows; sound: those that are accepted, or are there already.
        reasons: of the others.
        first_fault: where the first of them lies and what is wrong with it.

    Raises:
        BatchError: EMPTY or BAD_RATIO.
    """
    if read == 0:
        raise BatchError(Reason.EMPTY, f"{file} holds no rows", "send the file again, with its rows")
    bad = sum(count for code, count in reasons.items() if code not in HARMLESS)
    if sound and not (read >= BAD_SHARE_ROWS and bad > MAX_BAD_SHARE * read):
        return
    raise _bad_ratio(file, read, reasons, first_fault)


def _bad_ratio(file: str, read: int, reasons: Mapping[str, int], first_fault: str) -> BatchError:
    found = ", ".join(f"{code} {count}" for code, count in reasons.items())
    what = f"{file}: {sum(reasons.values())} of {read} rows cannot be accepted ({found}); the first is"
    return BatchError(
        Reason.BAD_RATIO, f"{what} {first_fault}", "mend the file, or check its format", read, dict(reasons)
    )
