"""A table of a page."""

from __future__ import annotations

from dataclasses import dataclass

NOT_MEASURED = "–"


@dataclass(frozen=True)
class Table:
    """Attributes: columns: headers after the first, empty one; rows: a label and a cell a column."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
