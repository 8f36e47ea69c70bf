"""SQLite databases in the workspace, whose every commit is on the disk before it is acknowledged."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.errors import DiskError

#: How long a writer waits for those of other processes.
BUSY_S = 30.0


class Database:
    """A database that threads share: each has a connection of its own, and they write one after the other.

    Args:
        path: of the database; made where there is none, for this user alone.
        schema: statements that make what is missing.

    Raises:
        DiskError: it cannot be opened.
    """

    def __init__(self, path: Path, schema: str) -> None:
        self._path = path
        self._local = threading.local()
        # SQLite lets waiting writers in by chance: here they queue.
        self._writer = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
            self.reading().executescript(schema)
        except (OSError, sqlite3.Error) as error:
            what = f"cannot open {path}: {getattr(error, 'strerror', None) or error}"
            raise DiskError(what, "check the folder's permissions and the free space") from None

    def reading(self) -> sqlite3.Connection:
        """This thread's connection; each statement by itself is a transaction."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = _connect(self._path)
        return connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that writes: all of the block is stored, or nothing."""
        with self._writer:
            connection = self.reading()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def forgetting(self) -> Iterator[sqlite3.Connection]:
        """The same for what is to be gone from the file, too: deleted bytes are overwritten, and the log is emptied."""
        self.reading().execute("PRAGMA secure_delete = ON")
        with self.writing() as connection:
            yield connection
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def setting(self, name: str, new: str) -> str:
        """A value that the database keeps in its table `settings` from the first time on; `new` where it has none."""
        with self.writing() as connection:
            connection.execute("INSERT OR IGNORE INTO settings VALUES (?, ?)", (name, new))
            found = connection.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return str(found["value"])


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection
