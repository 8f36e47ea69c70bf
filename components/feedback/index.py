"""Which judgements and ids are accepted, in SQLite: a new batch is held against all before it without reading them.

The index holds nothing that data/feedback does not: it follows where a batch came, went or changed, and is made anew
where it is lost or damaged.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path

from components.feedback.columns import NAME_DIGITS
from components.feedback.judgements import Entry, digest_key, key_of_id
from components.feedback.reasons import Reason, RowError
from components.feedback.store import (
    FEEDBACK,
    folders,
    manifest_stamp,
    read_manifest,
    scan_rows,
    withdrawn_rows,
)
from components.workspace import STATE

FILE = "feedback-index.db"
_RECENT = 50
_CACHE_KIB = 128 * 1024
_TABLES = """
CREATE TABLE IF NOT EXISTS batch (number INTEGER PRIMARY KEY, name TEXT, sha256 TEXT, declared TEXT, stamp TEXT);
CREATE INDEX IF NOT EXISTS batch_sha256 ON batch (sha256);
CREATE INDEX IF NOT EXISTS batch_declared ON batch (declared);
CREATE TABLE IF NOT EXISTS judgement (
    key BLOB PRIMARY KEY, batch INTEGER, line INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS named (
    key TEXT PRIMARY KEY, batch INTEGER, line INTEGER) WITHOUT ROWID;
"""
#: Why rows of a batch are refused, by their places (judgements.Entry).
Faults = dict[int, RowError]


class FeedbackIndex:
    """The accepted judgements, and the batch that is being taken in. Nothing of that lasts without `commit`."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._batch = 0

    def find(self, sha256: str) -> str | None:
        """The accepted batch that came in a file with this digest, under whatever name."""
        found = self._database.execute("SELECT name FROM batch WHERE sha256 = ?", (sha256,)).fetchone()
        return None if found is None else str(found[0])

    def recent(self) -> list[str]:
        """The newest batches, so many that they tell what feedback is like lately; the newest first."""
        newest = self._database.execute("SELECT name FROM batch ORDER BY number DESC LIMIT ?", (_RECENT,))
        return [name for (name,) in newest]

    def declared(self, name: str) -> str | None:
        """The accepted batch that its sender calls so."""
        found = self._database.execute("SELECT name FROM batch WHERE declared = ?", (name,)).fetchone()
        return None if found is None else str(found[0])

    def begin(self, name: str, sha256: str, declared: str | None = None) -> None:
        """A new batch; what `add` is given belongs to it."""
        row = (name, sha256, declared)
        added = self._database.execute("INSERT INTO batch (name, sha256, declared) VALUES (?, ?, ?)", row)
        self._batch = added.lastrowid or 0

    def add(self, entries: Sequence[Entry]) -> Faults:
        """Take in rows that are sound by themselves, in the order of their places.

        Returns: those that repeat a judgement or an id, of this batch or of one before.
        """
        return {} if self._claim_all(entries) else self._claim_each(entries)

    def forget(self, entries: Iterable[Entry]) -> None:
        """Rows that are refused after all: another batch may bring them."""
        for entry in entries:
            self._database.execute("DELETE FROM judgement WHERE key = ?", (entry.digest,))
            self._database.execute("DELETE FROM named WHERE key = ?", (entry.id_key,))

    def commit(self, folder: Path) -> None:
        """Make the batch last: its folder is in place."""
        stamp = (manifest_stamp(folder), self._batch)
        self._database.execute("UPDATE batch SET stamp = ? WHERE number = ?", stamp)
        self._database.commit()

    def follow(self, root: Path) -> None:
        """Bring the index up to what lies in data/feedback."""
        known = dict(self._database.execute("SELECT name, stamp FROM batch"))
        there = {folder.name: folder for folder in folders(root / FEEDBACK)}
        current = {name for name, folder in there.items() if known.get(name) == manifest_stamp(folder)}
        for name in known.keys() - current:
            self._remove(name)
        # In the order in which they came: what is recent is told by it.
        missing = [there[name] for name in there.keys() - current]
        for folder in sorted(missing, key=lambda folder: (read_manifest(folder).created_at, folder.name)):
            self._take_over(folder)
        self._database.commit()

    def _claim_all(self, entries: Sequence[Entry]) -> bool:
        """Enter all rows at once, which is quick; or none, where one of them repeats something."""
        self._database.execute("SAVEPOINT block")
        judgements = [(entry.digest, entry.line) for entry in entries]
        ids = [(entry.id_key, entry.line) for entry in entries if entry.id_key is not None]
        alone = self._enter("judgement", judgements) and self._enter("named", ids)
        if not alone:
            self._database.execute("ROLLBACK TO block")
        self._database.execute("RELEASE block")
        return alone

    def _enter(self, table: str, keys: Sequence[tuple[bytes | str, int]]) -> bool:
        """Enter (key, line) that are not there; whether none was."""
        before = self._database.total_changes
        self._database.executemany(
            f"INSERT OR IGNORE INTO {table} VALUES (?, {self._batch}, ?)",  # noqa: S608 - names of our own
            keys,
        )
        return self._database.total_changes - before == len(keys)

    def _claim_each(self, entries: Iterable[Entry]) -> Faults:
        """Enter rows one by one: what is refused claims nothing."""
        faults = ((entry.place, self._claim(entry)) for entry in entries)
        return {place: fault for place, fault in faults if fault is not None}

    def _claim(self, entry: Entry) -> RowError | None:
        if owner := self._owner("judgement", entry.digest):
            return _repeat(*owner)
        if entry.id_key is not None:
            if owner := self._owner("named", entry.id_key):
                return _same_id(*owner)
            self._enter("named", [(entry.id_key, entry.line)])
        self._enter("judgement", [(entry.digest, entry.line)])
        return None

    def _owner(self, table: str, key: bytes | str) -> tuple[str, int] | None:
        """The batch that has a key, "" for the one that is taken in, and on which line."""
        found = self._database.execute(
            f"SELECT batch, line, name FROM {table} JOIN batch ON number = batch WHERE key = ?",  # noqa: S608
            (key,),
        ).fetchone()
        return None if found is None else ("" if found[0] == self._batch else found[2], found[1])

    def _remove(self, name: str) -> None:
        (number,) = self._database.execute("SELECT number FROM batch WHERE name = ?", (name,)).fetchone()
        for table, column in (("judgement", "batch"), ("named", "batch"), ("batch", "number")):
            self._database.execute(f"DELETE FROM {table} WHERE {column} = ?", (number,))  # noqa: S608

    def _take_over(self, folder: Path) -> None:
        """A batch that was committed by somebody who died before the index, or came with a checkout."""
        manifest = read_manifest(folder)
        self.begin(folder.name, manifest.sha256, manifest.declared)
        self.add(entries_of(folder))
        self.commit(folder)


def entries_of(folder: Path) -> list[Entry]:
    """The rows of a batch in the store, and those that were withdrawn from it; their places are numbers from 0."""
    there = scan_rows(folder).select("line", "digest", "row_id", "source").collect()
    gone = ((line, digest, digest[:NAME_DIGITS], "") for line, digest in withdrawn_rows(folder).iter_rows())
    return [
        Entry(place, line, digest_key(digest), _id_key(digest, row_id, source))
        for place, (line, digest, row_id, source) in enumerate(chain(there.iter_rows(), gone))
    ]


def _id_key(digest: str, row_id: str, source: str) -> str | None:
    return None if row_id == digest[:NAME_DIGITS] else key_of_id(source, row_id)


@contextmanager
def open_index(root: Path) -> Iterator[FeedbackIndex]:
    """The index of what lies in ROOT/feedback. Call it under the ingestion lock: one writer at a time."""
    path = root.parent / STATE / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(_followed(path, root)) as database:
        yield FeedbackIndex(database)


def _followed(path: Path, root: Path) -> sqlite3.Connection:
    """The database, up to what lies in the store; a damaged one is made anew."""
    try:
        return _follow(_opened(path), root)
    except sqlite3.DatabaseError:
        for leftover in path.parent.glob(f"{path.name}*"):
            leftover.unlink()
        return _follow(_opened(path), root)


def _follow(database: sqlite3.Connection, root: Path) -> sqlite3.Connection:
    try:
        FeedbackIndex(database).follow(root)
    except BaseException:
        database.close()
        raise
    return database


def _opened(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=60)
    try:
        # A write-ahead log survives a kill; what the last moments before a power cut brought is found again.
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        # Keys come in no order: where their pages do not stay in memory, each is read and written many times.
        database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        database.executescript(_TABLES)
    except sqlite3.DatabaseError:
        database.close()
        raise
    return database


def _repeat(batch: str, line: int) -> RowError:
    what = f"repeats a judgement of batch {batch}" if batch else f"repeats the judgement of line {line}"
    return RowError(Reason.DUPLICATE, "", what)


def _same_id(batch: str, line: int) -> RowError:
    if batch:
        return RowError(
            Reason.ID_CONFLICT, "id", f"was given to another judgement, line {line} of batch {batch}"
        )
    return RowError(Reason.DUP_ID, "id", f"was given to the judgement of line {line}")
