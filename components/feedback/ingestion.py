"""Take in one file of feedback: read, sort, commit. What is bad about it is a result, never an exception."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from components.errors import FeedbackError
from components.feedback import store
from components.feedback.limits import MAX_BATCH_BYTES
from components.feedback.manifest import IngestResult, Manifest, result_of
from components.feedback.parsing import parse
from components.feedback.readers.registry import choose_reader, reader_named
from components.feedback.reasons import BatchError, Reason
from components.feedback.rows import row_of
from components.feedback.schema import checked_frame
from components.feedback.sifting import check_parsed, check_share, sift
from components.files import sha256_bytes, sha256_file


def ingest_file(path: Path, root: Path = Path("data"), format: str | None = None) -> IngestResult:  # noqa: A002
    """Ingest a file, once: the same bytes again change nothing.

    Args:
        path: the file; its name says how it is packed (.jsonl, .json, .csv, .parquet, each also with .gz).
        root: the folder that holds feedback/ and quarantine/.
        format: name of a reader (components/feedback/readers/registry.py), or None to tell it by the columns.

    Raises:
        FeedbackError: there is no such file or format, or the disk refuses; nothing was changed then.
    """
    if format is not None:
        reader_named(format)
    try:
        return _ingest(path, root, format)
    except OSError as error:
        what = f"cannot ingest {_shown(str(path))}: {error.strerror or error}"
        raise FeedbackError(
            what, "check the path, its permissions and the free space, then run it again"
        ) from None


def _ingest(path: Path, root: Path, format_name: str | None) -> IngestResult:
    if not path.is_file():
        raise FeedbackError(f"{_shown(str(path))} is not a file", "give the path of a file of feedback")
    # Read once: what is hashed is what is parsed, whatever happens to the file meanwhile.
    content = path.read_bytes() if path.stat().st_size <= MAX_BATCH_BYTES else None
    sha256 = sha256_file(path) if content is None else sha256_bytes(content)
    shown = _shown(str(path))
    if known := store.find_batch(root, sha256):
        return result_of(shown, known, "already_ingested")
    with store.ingestion_lock(root):
        # Another process may have been first while this one waited.
        if known := store.find_batch(root, sha256):
            return result_of(shown, known, "already_ingested")
        manifest = _take(root, _shown(path.name), content, sha256, format_name)
    return result_of(shown, manifest, manifest.status)


def _take(root: Path, file: str, content: bytes | None, sha256: str, format_name: str | None) -> Manifest:
    """Commit the batch as accepted or as rejected; returns its manifest."""
    batch = store.batch_id(root, file, sha256)
    try:
        return _accept(root, batch, file, content, sha256, format_name)
    except BatchError as error:
        manifest = _rejected(batch, file, sha256, format_name, error)
        store.commit_rejected(root, manifest)
        return manifest


def _accept(
    root: Path, batch: str, file: str, content: bytes | None, sha256: str, format_name: str | None
) -> Manifest:
    if content is None:
        raise BatchError(Reason.TOO_LARGE, f"{file} is larger than {MAX_BATCH_BYTES} bytes", "split it")
    parsed = parse(file, content)
    check_parsed(file, parsed)
    reader = choose_reader(file, parsed.columns, format_name)
    sifted = sift(parsed, reader, store.known_digests(root))
    check_share(f"{file} as {reader.name}", sifted)
    manifest = Manifest(
        batch=batch,
        file=file,
        sha256=sha256,
        format=reader.name,
        status="accepted",
        read=sifted.read,
        accepted=len(sifted.accepted),
        quarantined=sum(sifted.reasons.values()),
        duplicates=sifted.duplicates,
        reasons=sifted.reasons,
        rows_sha256=None,
        created_at=_now(),
    )
    rows = checked_frame(row_of(judgement, reader.name) for judgement in sifted.accepted)
    return store.commit_accepted(root, manifest, rows, sifted.refused, parsed.unit)


def _rejected(batch: str, file: str, sha256: str, format_name: str | None, error: BatchError) -> Manifest:
    return Manifest(
        batch=batch,
        file=file,
        sha256=sha256,
        format=format_name,
        status="rejected",
        read=error.read,
        accepted=0,
        # The whole batch is refused, its sound rows with the others.
        quarantined=error.read,
        duplicates=0,
        reasons=error.reasons,
        rows_sha256=None,
        created_at=_now(),
        message=error.message,
        remedy=error.remedy,
    )


def _shown(name: str) -> str:
    """A path or a file's name that is safe to print and to write as JSON, whatever bytes it is made of."""
    text = name.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
