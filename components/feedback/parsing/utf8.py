"""Bytes as text, or the line that is none."""

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
        raise not_utf8(name, first_line + content.count(b"\n", 0, error.start)) from None


def not_utf8(name: str, line: int) -> BatchError:
    return BatchError(Reason.ENCODING, f"{name} line {line} is not UTF-8", "save the file as UTF-8")
