"""What was refused of a batch: to look at, to mend in a table, and to bring again."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components.feedback import store
from components.feedback.ingestion import ingest_file
from components.feedback.life.events import find_folder
from components.feedback.manifest import IngestResult
from components.pages.spreadsheet import harmless

_COLUMNS = ("line", "reason", "field", "message", "raw")


def refused_rows(root: Path, batch: str) -> Iterator[dict[str, Any]]:
    """The rows in the batch's quarantine: line, reason, field, message and raw text.

    Raises:
        FeedbackError: no such batch.
    """
    path = find_folder(root, store.QUARANTINE, batch) / store.REFUSED
    if path.exists():
        with path.open(encoding="ascii") as lines:
            yield from map(json.loads, lines)


def as_csv(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    """The rows as CSV, line by line, for a spreadsheet: nothing in them is a formula."""
    yield _line(_COLUMNS)
    for row in rows:
        yield _line([harmless(str(row[column])) for column in _COLUMNS])


def retry(root: Path, batch: str, path: Path, **options: Any) -> IngestResult:
    """Bring a batch's refused rows again, mended, in the whole file or by themselves; rows it has count as repeats.

    Args:
        options: as ingest_file takes them.

    Raises:
        FeedbackError: no such batch, or as ingest_file.
    """
    format_name = store.read_manifest(find_folder(root, store.QUARANTINE, batch)).format
    return ingest_file(path, root, format_name, retries=batch, **options)


def _line(values: Any) -> str:
    target = io.StringIO()
    csv.writer(target).writerow(values)
    return target.getvalue()
