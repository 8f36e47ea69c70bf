"""What is on record about a batch, and the result that ingestion hands back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from components.errors import FeedbackError

#: 2: other digests, by which repeats and what was withdrawn are known.
SCHEMA_VERSION = 2
#: Rejected by ingestion, refused by a person.
State = Literal["accepted", "held", "rejected", "refused", "withdrawn"]
Status = State | Literal["already_ingested"]


@dataclass(frozen=True)
class Manifest:
    """One batch; kept beside its rows, and beside its refused rows.

    Attributes:
        file: base name of the file it came in, for people; never used as a path.
        sha256: of the file as it was given.
        format: of the reader, or None when the file could not be read so far.
        reasons: quarantined rows by reason; of a rejected batch also its own reason, counted once.
        created_at: UTC, ISO 8601.
        message, remedy: of a batch that is not accepted: why, and what to do.
        parts: files of accepted rows, in their order -> SHA-256.
        tags: accepted rows by tag.
        findings: what was found about the batch as a whole (quality/findings.py).
        withdrawn: rows that were accepted and left since: read = accepted + quarantined + duplicates + withdrawn.
        retries: the batch whose refused rows the file brings again, mended.
        declared: how the sender calls the batch (declaration.py).
        licence: under which the sender gave the rows; None: not stated (nor asked for, before there was this field).
        automatic: whether its rows were judged by rules or a model, and not by people; no batch holds both.
        events: what people did with the batch, each with `what`, `by`, `at` and `why`.
    """

    batch: str
    file: str
    sha256: str
    format: str | None
    status: State
    read: int
    accepted: int
    quarantined: int
    duplicates: int
    reasons: dict[str, int]
    created_at: str
    message: str = ""
    remedy: str = ""
    parts: dict[str, str] = field(default_factory=dict)
    tags: dict[str, int] = field(default_factory=dict)
    findings: list[dict[str, Any]] = field(default_factory=list)
    withdrawn: int = 0
    retries: str | None = None
    declared: str | None = None
    licence: str | None = None
    automatic: bool = False
    events: list[dict[str, str]] = field(default_factory=list)
    schema_version: int = SCHEMA_VERSION

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def manifest_of(content: Mapping[str, Any], name: str) -> Manifest:
    """A manifest from its JSON.

    Raises:
        FeedbackError: it was written by another version, or by hand.
    """
    found = content.get("schema_version")
    if found != SCHEMA_VERSION:
        raise FeedbackError(
            f"{name} has schema version {found}, expected {SCHEMA_VERSION}",
            "move data/feedback, data/held and data/quarantine away, and ingest the files that came in again"
            if isinstance(found, int) and found < SCHEMA_VERSION
            else "upgrade the project",
        )
    try:
        return Manifest(**content)
    except TypeError as error:
        raise FeedbackError(
            f"{name} is no manifest: {error}", "restore it: `dvc checkout data/feedback`"
        ) from None


@dataclass(frozen=True)
class IngestResult:
    """What became of one file: read = accepted + quarantined + duplicates.

    Attributes:
        file: as it was given.
        batch: id of the batch; of an already ingested file the one it was ingested as.
        reasons, tags, message, remedy, automatic: as in Manifest.
    """

    file: str
    batch: str
    status: Status
    read: int
    accepted: int
    quarantined: int
    duplicates: int
    reasons: dict[str, int] = field(default_factory=dict)
    message: str = ""
    remedy: str = ""
    tags: dict[str, int] = field(default_factory=dict)
    automatic: bool = False

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def result_of(file: str, manifest: Manifest, status: Status) -> IngestResult:
    return IngestResult(
        file=file,
        batch=manifest.batch,
        status=status,
        read=manifest.read,
        accepted=manifest.accepted,
        quarantined=manifest.quarantined,
        duplicates=manifest.duplicates,
        reasons=manifest.reasons,
        message=manifest.message,
        remedy=manifest.remedy,
        tags=manifest.tags,
        automatic=manifest.automatic,
    )
