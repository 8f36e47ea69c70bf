"""Words for people on a terminal. Results go to stdout, what happens meanwhile to stderr.

Feedback, and what models say, is written by strangers: here it is text, never rich's markup and never a
control sequence of the terminal.
"""

from __future__ import annotations

import unicodedata
from functools import cache

from rich.console import Console
from rich.text import Text


@cache
def results() -> Console:
    return Console(highlight=False, soft_wrap=True)


@cache
def notes() -> Console:
    return Console(stderr=True, highlight=False, soft_wrap=True)


def printable(text: str) -> str:
    r"""`text` with each control, bidirectional and otherwise unprintable character shown as its escape.

    `\n` and `\t` stay; everything of Unicode's category C (controls, ESC and its 8-bit twin, overrides,
    lone surrogates) becomes visible.
    """
    return "".join(c if c in "\n\t" or unicodedata.category(c)[0] != "C" else _escape(c) for c in text)


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def plain(text: str, style: str = "") -> Text:
    """Text that rich prints as it is."""
    return Text(printable(text), style=style)


def say(text: str, style: str = "") -> None:
    """A line of the result, on stdout."""
    results().print(plain(text, style))


def note(text: str, style: str = "") -> None:
    """A line about what happens, on stderr."""
    notes().print(plain(text, style))


def next_step(text: str, *, as_json: bool = False) -> None:
    """The last line of every command. With --json stdout is for the machine, so it goes to stderr."""
    (note if as_json else say)(f"next: {text}", "bold")
