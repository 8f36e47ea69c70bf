"""What a cell of a Markdown table holds."""

from __future__ import annotations


def cell(text: str) -> str:
    """On one line, without what would end the cell; `<` begins a tag only outside backticks."""
    parts = " ".join(text.split()).replace("|", "\\|").split("`")
    parts[::2] = [part.replace("<", "&lt;") for part in parts[::2]]
    return "`".join(parts)
