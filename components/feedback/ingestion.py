"""Take in one file of feedback: read, sort, assess, commit. What is bad about it is a result, never an exception."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from components.config import FeedbackParams
from components.errors import FeedbackError
from components.feedback import commits, store, withdrawn
from components.feedback.declaration import Declaration, name_is_taken, read_declaration
from components.feedback.index import FeedbackIndex, open_index
from components.feedback.intake import Intake, OnRows
from components.feedback.known import known_batch, result_again
from components.feedback.manifest import IngestResult, Manifest, result_of
from components.feedback.parsing.envelope import examine
from components.feedback.printable import printable
from components.feedback.quality.assess import assess
from components.feedback.quality.findings import Quality
from components.feedback.readers.registry import reader_named
from components.feedback.reasons import BatchError
from components.feedback.rules import Rules
from components.feedback.tally import Tally
from components.files import sha256_file


@dataclass(frozen=True)
class Given:
    """A file as it was handed over, and what is asked of it.

    Attributes:
        path: where its bytes lie; name: as people know it; stamp: of its state.
        format: of its reader, or None to tell it by the columns.
        retries: the batch whose refused rows it brings again.
        known: the accepted batch that its very bytes brought before: what stood against other rows may have gone.
    """

    path: Path
    name: str
    stamp: tuple[int, ...]
    sha256: str
    format: str | None
    retries: str | None
    params: FeedbackParams
    rules: Rules
    known: Manifest | None = None


def ingest_file(
    path: Path,
    root: Path = Path("data"),
    format: str | None = None,  # noqa: A002
    *,
    params: FeedbackParams | None = None,
    shown: str | None = None,
    retries: str | None = None,
    on_rows: OnRows = lambda rows, share: None,
) -> IngestResult:
    """Ingest a file, once: the same bytes again change nothing.

    Args:
        path: the file; its name says how it is packed (.jsonl, .json, .csv, .parquet, each also with .gz).
        root: the folder that holds feedback/, held/ and quarantine/.
        format: name of a reader (components/feedback/readers/registry.py), or None to tell it by the columns.
        params: None: as they are by default.
        retries: the batch whose refused rows the file brings again, mended.
        shown: what the file is called in messages and manifests, if not by its own name; it ends as that does.

    Raises:
        FeedbackError: there is no such file or format, or the disk refuses; nothing was changed then.
    """
    if format is not None:
        reader_named(format)
    params = params or FeedbackParams()
    try:
        if not path.is_file():
            raise FeedbackError(
                f"{printable(str(path))} is not a file", "give the path of a file of feedback"
            )
        rules = Rules.of(params, root.parent)
        with commits.ingestion_lock(root):
            name, stamp = printable(shown or path.name), _stamp(path)
            given = Given(path, name, stamp, sha256_file(path), format, retries, params, rules)
            return _ingest(root, given, printable(shown or str(path)), on_rows)
    except (OSError, sqlite3.Error) as error:
        what = f"cannot ingest {printable(str(path))}: {getattr(error, 'strerror', None) or error}"
        remedy = "check the path, its permissions and the free space, then run it again"
        raise FeedbackError(what, remedy) from None


def _ingest(root: Path, given: Given, label: str, on_rows: OnRows) -> IngestResult:
    with open_index(root) as index:
        known = known_batch(root, index, given.sha256, is_retry=given.retries is not None)
        if known and not (given.retries and known.status == "accepted"):
            return result_again(label, given.name, known)
        manifest = _take(root, replace(given, known=known), index, on_rows)
    if manifest is known:
        return result_again(label, given.name, manifest)
    return result_of(label, manifest, manifest.status)


def _take(root: Path, given: Given, index: FeedbackIndex, on_rows: OnRows) -> Manifest:
    """Commit the batch as accepted, as held or as rejected; returns its manifest, or that of the one it is again."""
    batch = _batch_id(root, given)
    with commits.staging(root) as folder:
        try:
            return _accept(root, batch, given, index, folder, on_rows)
        except BatchError as error:
            manifest = _rejected(batch, given, error)
            commits.commit_rejected(root, manifest)
            return manifest


def _accept(
    root: Path, batch: str, given: Given, index: FeedbackIndex, folder: Path, on_rows: OnRows
) -> Manifest:
    declared = read_declaration(given.path)
    declared.check_bytes(given.name, given.sha256)
    _check_name_is_new(root, index, declared, given)
    recent = index.recent()
    withdrawn.claim(root, index)
    index.begin(batch, given.sha256, declared.batch)
    intake = Intake(examine(given.name, given.path), given.format, given.rules, folder)
    tally = intake.sort(withdrawn.RecallingIndex(index, root), on_rows)
    declared.check_rows(given.name, tally.read)
    _check_unchanged(given)
    if given.known and not tally.accepted:
        return given.known
    past = store.scan_recent(root, recent, given.params.hold.shift_days)
    quality = assess(store.scan_rows(intake.rows), past, given.params)
    manifest = _manifest(batch, given, intake.reader, tally, quality, declared)
    place = commits.commit(root, manifest, intake.rows, intake.refused(), quality.to_json())
    if manifest.status == "accepted":
        index.commit(place)
    return manifest


def _check_name_is_new(root: Path, index: FeedbackIndex, declared: Declaration, given: Given) -> None:
    """A sender's name for a batch stands for the bytes that came first under it, and for what mends them.

    Raises:
        BatchError: ID_REUSE.
    """
    before = index.declared(declared.batch) if declared.batch is not None else None
    if before is not None and given.known is None and not _mends(root, given, declared):
        remedy = f"give it a name of its own; if it mends that one, `rlhf feedback retry {before} FILE`"
        raise name_is_taken(given.name, declared.batch, before, remedy)


def _mends(root: Path, given: Given, declared: Declaration) -> bool:
    """Whether the file mends a batch that its sender called the same."""
    if given.retries is None:
        return False
    return store.read_manifest(root / store.QUARANTINE / given.retries).declared == declared.batch


def _manifest(
    batch: str, given: Given, reader: str | None, tally: Tally, quality: Quality, declared: Declaration
) -> Manifest:
    holds = quality.holds
    return Manifest(
        batch=batch,
        file=given.name,
        sha256=given.sha256,
        format=reader,
        status="held" if holds and tally.accepted else "accepted",
        read=tally.read,
        accepted=tally.accepted,
        quarantined=sum(tally.reasons.values()),
        duplicates=tally.duplicates,
        reasons=tally.reasons,
        created_at=_now(),
        message="; ".join(finding.message for finding in holds),
        remedy=f"`rlhf feedback show {batch}`, then `rlhf feedback release` or `refuse`" if holds else "",
        parts=tally.parts,
        tags=tally.tags,
        automatic=tally.automatic > 0,
        findings=[finding.to_json() for finding in quality.findings],
        retries=given.retries,
        declared=declared.batch,
        licence=declared.licence,
    )


def _rejected(batch: str, given: Given, error: BatchError) -> Manifest:
    return Manifest(
        batch=batch,
        file=given.name,
        sha256=given.sha256,
        format=given.format,
        status="rejected",
        read=error.read,
        accepted=0,
        # The whole batch is refused, its sound rows with the others.
        quarantined=error.read,
        duplicates=0,
        reasons=error.reasons,
        created_at=_now(),
        message=error.message,
        remedy=error.remedy,
        retries=given.retries,
    )


def _batch_id(root: Path, given: Given) -> str:
    name_it = store.batch_id if given.known is None else store.retry_id
    return name_it(root, given.name, given.sha256)


def _stamp(path: Path) -> tuple[int, ...]:
    """Changes when somebody writes to the file, or puts another in its place."""
    state = path.stat()
    return state.st_mtime_ns, state.st_size, state.st_ino


def _check_unchanged(given: Given) -> None:
    """What was hashed is what was parsed."""
    if _stamp(given.path) != given.stamp:
        what = f"{given.name} changed while it was read; nothing was ingested"
        raise FeedbackError(what, "wait until it is complete, then run it again")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
