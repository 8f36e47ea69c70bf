"""Rows of a database on their way out, each in one finished export.

A row is claimed before anything is written. An export that was killed before it finished leaves its claims to the next
one, which writes them again. The table has a column `export` that refers to the table `exports` of `SCHEMA`.
"""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

from components.databases import Database

#: exports: files that were begun, and finished.
SCHEMA = """
CREATE TABLE IF NOT EXISTS exports (
    number INTEGER PRIMARY KEY,
    started_at TEXT NOT NULL,
    finished_at TEXT
);
"""
_UNFINISHED = "(export IS NULL OR export IN (SELECT number FROM exports WHERE finished_at IS NULL))"


def claim(connection: sqlite3.Connection, table: str, which: str = "TRUE") -> int:
    """Give a new export all rows that no finished export has; its number.

    Args:
        table, which: of this project's own statements, never out of data.
    """
    started = datetime.now(UTC).isoformat()
    number = connection.execute("INSERT INTO exports (started_at) VALUES (?)", (started,)).lastrowid
    claims = f"UPDATE {table} SET export = ? WHERE {which} AND {_UNFINISHED}"  # noqa: S608
    connection.execute(claims, (number,))
    # Of those that were killed nothing is left to do.
    connection.execute("DELETE FROM exports WHERE finished_at IS NULL AND number != ?", (number,))
    return int(number or 0)


def drop_empty(connection: sqlite3.Connection, number: int) -> None:
    """Forget an export that has nothing to write."""
    connection.execute("DELETE FROM exports WHERE number = ?", (number,))


def finish(database: Database, number: int) -> None:
    """Mark what was written."""
    finished = datetime.now(UTC).isoformat()
    with database.writing() as connection:
        connection.execute("UPDATE exports SET finished_at = ? WHERE number = ?", (finished, number))
