"""The database of judgements."""

from __future__ import annotations

from pathlib import Path

from components.collecting.schema import SCHEMA
from components.databases import Database
from components.workspace import STATE

#: Where it lies, below the project's folder.
DATABASE = STATE / "collect" / "judgements.sqlite"


class Store(Database):
    """Args: path: of the database; made where there is none."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, SCHEMA)
