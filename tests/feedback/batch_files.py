"""Small files of feedback for tests, and what ingestion made of them."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from components.feedback.ingestion import ingest_file
from components.feedback.manifest import IngestResult
from components.feedback.store import read_accepted

PAIR = {"prompt": "Name a colour.", "chosen": "Blue.", "rejected": "Seven."}


def pairs(count: int, **fields: Any) -> list[dict[str, Any]]:
    """Sound pairs, no two alike."""
    return [{**PAIR, "prompt": f"Name colour {number}.", **fields} for number in range(count)]


def lines(rows: Sequence[Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def as_parquet(rows: Sequence[Mapping[str, Any]] | pl.DataFrame) -> bytes:
    out = io.BytesIO()
    pl.DataFrame(rows).write_parquet(out)
    return out.getvalue()


def as_zip(content: bytes) -> bytes:
    """A zip archive of one file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("b.jsonl", content)
    return out.getvalue()


class Workspace:
    """A project folder in which files are written and ingested."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "data"

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        return path

    def write_gzip(self, name: str, content: str) -> Path:
        return self.write(name, gzip.compress(content.encode("utf-8")))

    def write_parquet(self, name: str, rows: Sequence[Mapping[str, Any]]) -> Path:
        return self.write(name, as_parquet(list(rows)))

    def ingest(self, path: Path, format_name: str | None = None) -> IngestResult:
        """Ingest a file; whatever comes of it, the counts add up and match what is on disk."""
        result = ingest_file(path, self.root, format_name)
        assert result.read == result.accepted + result.quarantined + result.duplicates
        if result.status == "accepted":
            assert len(self.refused(result)) == result.quarantined + result.duplicates
            assert self.rows(result).height == result.accepted
            assert sum(result.reasons.values()) == result.quarantined
        return result

    def ingest_rows(self, *rows: Mapping[str, Any], format_name: str | None = None) -> IngestResult:
        count = len(list(self.folder.glob("batch*.jsonl")))
        return self.ingest(self.write(f"batch{count}.jsonl", lines(rows)), format_name)

    def only_row(self, *rows: Mapping[str, Any], format_name: str | None = None) -> dict[str, Any]:
        """The row that one record was accepted as."""
        result = self.ingest_rows(*rows, format_name=format_name)
        assert result.status == "accepted", result.message
        (row,) = self.rows(result).to_dicts()
        return row

    def fault(self, row: Mapping[str, Any] | str, beside: Mapping[str, Any] = PAIR) -> dict[str, Any]:
        """The quarantine's entry for a bad row that came in a file beside a sound one."""
        bad = row if isinstance(row, str) else json.dumps(row)
        path = self.write("batch.jsonl", f"{json.dumps(beside)}\n{bad}\n")
        result = self.ingest(path)
        assert (result.status, result.accepted, result.quarantined) == ("accepted", 1, 1), result
        (entry,) = self.refused(result)
        assert result.reasons == {entry["reason"]: 1}
        assert entry["line"] == 2
        field = f"{entry['field']}: " if entry["field"] else ""
        assert entry["message"].startswith(f"batch.jsonl line 2: {field}")
        return entry

    def rows(self, result: IngestResult) -> pl.DataFrame:
        return read_accepted(self.root / "feedback").filter(pl.col("batch") == result.batch)

    def refused(self, result: IngestResult) -> list[dict[str, Any]]:
        path = self.root / "quarantine" / result.batch / "rows.jsonl"
        return [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]

    def manifest(self, result: IngestResult, room: str = "feedback") -> dict[str, Any]:
        return json.loads((self.root / room / result.batch / "manifest.json").read_text(encoding="utf-8"))
