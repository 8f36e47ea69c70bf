"""Where feedback lies: data/feedback/<batch>/ (accepted rows) and data/quarantine/<batch>/ (refused ones).

A batch's folder in data/feedback appears by one rename: that is the commit. Its quarantine is written before:
a kill between the two leaves no batch, and doing it again ends as if nothing had happened.
"""

from __future__ import annotations

import fcntl
import io
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import polars as pl

from components.errors import FeedbackError
from components.feedback.judgements import Refusal
from components.feedback.manifest import Manifest, manifest_of
from components.feedback.schema import empty_frame
from components.files import (
    read_json,
    replacing_directory,
    sha256_bytes,
    sha256_file,
    sweep_leftovers,
    write_bytes,
    write_json,
    write_text,
)
from components.workspace import STATE

FEEDBACK = "feedback"
QUARANTINE = "quarantine"
_ROWS, _REFUSED, _MANIFEST = "rows.parquet", "rows.jsonl", "manifest.json"
_MAX_SLUG = 60


def batch_id(root: Path, name: str, sha256: str) -> str:
    """A batch's id: safe as a folder's name, the same for the same file.

    Eight digits of the digest tell batches apart; the whole of it, should another batch have them already.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower().split(".")[0])[:_MAX_SLUG].strip("-") or "batch"
    short = f"{slug}-{sha256[:8]}"
    folders = (root / FEEDBACK / short, root / QUARANTINE / short)
    taken = any(
        _read_manifest(folder).sha256 != sha256 for folder in folders if (folder / _MANIFEST).exists()
    )
    return f"{slug}-{sha256}" if taken else short


@contextmanager
def ingestion_lock(root: Path) -> Iterator[None]:
    """One ingestion at a time; the others wait. A process that dies lets go of it."""
    lock = root.parent / STATE / "ingestion.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def find_batch(root: Path, sha256: str) -> Manifest | None:
    """The accepted batch that came in a file with this digest, under whatever name."""
    return next((manifest for manifest in accepted_manifests(root) if manifest.sha256 == sha256), None)


def accepted_manifests(root: Path = Path("data")) -> list[Manifest]:
    """Of the batches in data/feedback, the oldest first."""
    return _manifests(root / FEEDBACK)


def list_manifests(root: Path = Path("data")) -> list[Manifest]:
    """Of every batch, accepted or rejected, the oldest first."""
    rejected = [manifest for manifest in _manifests(root / QUARANTINE) if manifest.status == "rejected"]
    return _by_age([*accepted_manifests(root), *rejected])


def known_digests(root: Path) -> dict[str, str]:
    """Digest of every accepted judgement -> its batch."""
    known = {}
    for manifest in accepted_manifests(root):
        digests = pl.read_parquet(root / FEEDBACK / manifest.batch / _ROWS, columns=["digest"])
        known.update(dict.fromkeys(digests["digest"], manifest.batch))
    return known


def read_accepted(root: Path = Path("data/feedback")) -> pl.DataFrame:
    """All accepted rows: the canonical columns and `batch`, sorted by batch and line.

    Raises:
        FeedbackError: a batch's rows are not those that were committed.
    """
    frames = [_read_batch(root, manifest) for manifest in _manifests(root)]
    nothing = empty_frame().with_columns(pl.lit(None, pl.String).alias("batch")).clear()
    return pl.concat([nothing, *frames]).sort("batch", "line")


def commit_accepted(
    root: Path, manifest: Manifest, rows: pl.DataFrame, refused: Sequence[Refusal], unit: str
) -> Manifest:
    """Write a batch: its quarantine, then, in one step, its accepted rows. Returns the manifest written."""
    content = io.BytesIO()
    rows.write_parquet(content)
    manifest = replace(manifest, rows_sha256=sha256_bytes(content.getvalue()))
    _sweep(root)
    with replacing_directory(root / QUARANTINE / manifest.batch) as folder:
        write_text(
            folder / _REFUSED, "".join(_refused_line(manifest.file, unit, refusal) for refusal in refused)
        )
        write_json(folder / _MANIFEST, manifest.to_json())
    with replacing_directory(root / FEEDBACK / manifest.batch) as folder:
        write_bytes(folder / _ROWS, content.getvalue())
        write_json(folder / _MANIFEST, manifest.to_json())
    return manifest


def commit_rejected(root: Path, manifest: Manifest) -> None:
    """Put a rejected batch on record; nothing of its content is kept."""
    _sweep(root)
    with replacing_directory(root / QUARANTINE / manifest.batch) as folder:
        write_json(folder / _MANIFEST, manifest.to_json())


def _refused_line(file: str, unit: str, refusal: Refusal) -> str:
    """One line of rows.jsonl. ASCII: what a row was refused for must not act on a terminal that shows it."""
    record, fault = refusal.record, refusal.fault
    entry = {
        "line": record.line,
        "reason": str(fault.code),
        "field": fault.field,
        "message": fault.message(f"{file} {unit} {record.line}"),
        "raw": record.raw,
    }
    return json.dumps(entry, ensure_ascii=True) + "\n"


def _sweep(root: Path) -> None:
    """Remove what killed ingestions left, of whatever batch."""
    for folder in (root / QUARANTINE, root / FEEDBACK):
        sweep_leftovers(folder / "*")


def _manifests(folder: Path) -> list[Manifest]:
    # A name that begins with a dot is a batch that is being written.
    files = [file for file in folder.glob(f"*/{_MANIFEST}") if not file.parent.name.startswith(".")]
    return _by_age([_read_manifest(file.parent) for file in files])


def _by_age(manifests: list[Manifest]) -> list[Manifest]:
    return sorted(manifests, key=lambda manifest: (manifest.created_at, manifest.batch))


def _read_manifest(folder: Path) -> Manifest:
    name = f"{folder.name}/{_MANIFEST}"
    try:
        return manifest_of(read_json(folder / _MANIFEST), name)
    except ValueError:
        raise FeedbackError(f"{name} is not JSON", "restore it: `dvc checkout data/feedback`") from None


def _read_batch(root: Path, manifest: Manifest) -> pl.DataFrame:
    path = root / manifest.batch / _ROWS
    if not path.exists() or sha256_file(path) != manifest.rows_sha256:
        what = f"{manifest.batch}/{_ROWS} is missing or not what was ingested"
        raise FeedbackError(what, "restore it: `dvc checkout data/feedback`, or ingest the file again")
    return pl.read_parquet(path).with_columns(pl.lit(manifest.batch).alias("batch"))
