"""Text of strangers in a table that people open in a spreadsheet."""

from __future__ import annotations

#: A spreadsheet takes what begins with one of these for a formula (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def harmless(text: str) -> str:
    """No formula to a spreadsheet, no command to a terminal: what cannot be seen is written as its escape."""
    shown = "".join(sign if sign in "\n\t" or sign.isprintable() else ascii(sign)[1:-1] for sign in text)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown
