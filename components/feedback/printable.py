"""Text of strangers that people and programs look at: what cannot be seen is written as its escape."""

from __future__ import annotations


def printable(text: str, kept: str = "") -> str:
    """`text` with each unprintable character as Python escapes it, lone surrogates too, but for those in `kept`."""
    return "".join(sign if sign in kept or sign.isprintable() else ascii(sign)[1:-1] for sign in text)
