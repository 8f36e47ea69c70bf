"""What is on record about a batch, and the result that ingestion hands back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from components.errors import FeedbackError

SCHEMA_VERSION = 1
Status = Literal["accepted", "held", "rejected", "already_ingested"]


@dataclass(frozen=True)
class Manifest:
    """One batch; kept beside its rows, and beside its refused rows.

    Attributes:
        file: base name of the file it came in, for people; never used as a path.
        sha256: of the file as it was given.
        format: of the reader, or None when the file could not be read so far.
        reasons: quarantined rows by reason; of a rejected batch also its own reason, counted once.
        rows_sha256: of rows.parquet; None for a rejected batch.
        created_at: UTC, ISO 8601.
        message, remedy: of a rejected batch: what is wrong with it, and what to do.
    """

    batch: str
    file: str
    sha256: str
    format: str | None
    status: Literal["accepted", "rejected"]
    read: int
    accepted: int
    quarantined: int
    duplicates: int
    reasons: dict[str, int]
    rows_sha256: str | None
    created_at: str
    message: str = ""
    remedy: str = ""
    schema_version: int = SCHEMA_VERSION

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def manifest_of(content: Mapping[str, Any], name: str) -> Manifest:
    """A manifest from its JSON.

    Raises:
        FeedbackError: it was written by another version, or by hand.
    """
    if content.get("schema_version") != SCHEMA_VERSION:
        found = content.get("schema_version")
        raise FeedbackError(
            f"{name} has schema version {found}, expected {SCHEMA_VERSION}", "upgrade the project"
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
        reasons: as in Manifest.
        message, remedy: of a rejected batch: what is wrong with it, and what to do.
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
    )
