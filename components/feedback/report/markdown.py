"""Markdown in which a stranger's text stays text."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from components.pages.page import visible

#: What Markdown reads as more than itself, links without brackets among them.
_SIGNS = re.compile(r"([\\`*_{}\[\]()#!|~$@]|:(?=/)|(?<=www)\.)", re.IGNORECASE)
_MOST_CHARS = 120


def plain(text: object) -> str:
    """One line of text that no reader of Markdown takes for anything else: no tag, no link, no table cell's end."""
    shown = " ".join(visible(str(text)).split())
    cut = shown if len(shown) <= _MOST_CHARS else f"{shown[:_MOST_CHARS]}…"
    return _SIGNS.sub(r"\\\1", html.escape(cut, quote=False))


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """The lines of a table; every cell is plain text, numbers with thousands."""
    lines = [_line(header), _line(["---"] * len(header))]
    return [*lines, *(_line([_cell(value) for value in row]) for row in rows)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.3g}" if isinstance(value, float) else plain(value)
