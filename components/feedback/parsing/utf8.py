"""Bytes as text, or the line and the byte that are none."""

from __future__ import annotations

from components.feedback.reasons import BatchError, Reason

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def decode(name: str, content: bytes, first_line: int = 1) -> str:
    """UTF-8 as text.

    Args:
        first_line: of the file, on which the content begins.

    Raises:
        BatchError: ENCODING.
    """
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise not_utf8(name, first_line, sound_part(error)) from None


def sound_part(error: UnicodeDecodeError) -> bytes:
    """What stands before the byte at fault, of what was to be decoded."""
    return error.object[: error.start]


def not_utf8(name: str, line: int, before: bytes, left_out: int = 0) -> BatchError:
    """The error for a byte at which a text ends to be UTF-8.

    Args:
        line: of the file, on which `before` begins.
        before: what stands before the byte; a byte order mark is not counted.
        left_out: so many bytes of that line stand before `before`.
    """
    whole, end, start = before.rpartition(b"\n")
    line += whole.count(b"\n") + len(end)
    byte = len(start) + 1 + (0 if end else left_out)
    return BatchError(
        Reason.ENCODING, f"{name} line {line} is not UTF-8 at its byte {byte}", "save the file as UTF-8"
    )
