"""Where feedback lies, and how it is read.

data/feedback/<batch>/ holds accepted rows, data/held/<batch>/ those of a batch that waits for a person,
data/quarantine/<batch>/ refused rows, and the manifests of rejected batches. A batch that was withdrawn stays in
data/feedback without rows: what was learned from it can still be named.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import polars as pl

from components.errors import FeedbackError
from components.feedback.automatic.names import BY_PEOPLE
from components.feedback.manifest import Manifest, manifest_of
from components.feedback.schema import COLUMNS, empty_frame
from components.files import read_json, sha256_file

FEEDBACK, HELD, QUARANTINE = "feedback", "held", "quarantine"
MANIFEST, REFUSED, QUALITY = "manifest.json", "rows.jsonl", "quality.json"
WITHDRAWN, WITHDRAWN_IN_PART = "withdrawn.parquet", "withdrawn-in-part.parquet"
_PARTS = "rows-*.parquet"
_MAX_SLUG = 60
#: Of a file's digest in its batch's name.
_DIGITS = 8
_TELLING = 2000


def batch_id(root: Path, name: str, sha256: str) -> str:
    """A batch's id: safe as a folder's name, the same for the same file.

    Eight digits of the digest tell batches apart; the whole of it, should another batch have them already.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower().split(".")[0])[:_MAX_SLUG].strip("-") or "batch"
    short = f"{slug}-{sha256[:_DIGITS]}"
    rooms = (root / room / short for room in (FEEDBACK, HELD, QUARANTINE))
    taken = any(read_manifest(room).sha256 != sha256 for room in rooms if (room / MANIFEST).exists())
    return f"{slug}-{sha256}" if taken else short


def retry_id(root: Path, name: str, sha256: str) -> str:
    """The id of a batch of the same bytes as one before it: rows that were refused of them come again."""
    ids = (batch_id(root, f"retry-{number}-{name}", sha256) for number in count(1))
    return next(each for each in ids if not _is_taken(root, each))


def _is_taken(root: Path, batch: str) -> bool:
    """Whether a batch has its id for good: one whose ingestion was killed, or that was rejected, has not."""
    record = root / QUARANTINE / batch
    decided = (record / MANIFEST).exists() and read_manifest(record).status == "refused"
    return decided or any((root / room / batch / MANIFEST).exists() for room in (FEEDBACK, HELD))


def folders(room: Path) -> list[Path]:
    """The batches that lie in a room, by name."""
    return [room / name for name in sorted(stamps(room))]


def stamps(room: Path) -> dict[str, str]:
    """The batches that lie in a room, each with what changes when it does. Without paths: there may be thousands."""
    if not room.is_dir():
        return {}
    found = {}
    # A name that begins with a dot is a batch that is being written.
    for name in (entry.name for entry in os.scandir(room) if not entry.name.startswith(".")):
        with suppress(FileNotFoundError, NotADirectoryError):
            found[name] = _stamp(os.stat(f"{room}/{name}/{MANIFEST}"))  # noqa: PTH116 - of thousands
    return found


def of_file(room: Path, sha256: str) -> Iterator[Manifest]:
    """The batches in a room that came in files with this digest, whatever the files' names.

    Its digits end their names (`batch_id`): among thousands of batches no other manifest is read.
    """
    if not room.is_dir():
        return
    ends = (f"-{sha256[:_DIGITS]}", f"-{sha256}")
    names = sorted(entry.name for entry in os.scandir(room) if entry.name.endswith(ends))
    for name in names:
        if not name.startswith(".") and (room / name / MANIFEST).exists():
            manifest = read_manifest(room / name)
            if manifest.sha256 == sha256:
                yield manifest


def accepted_manifests(root: Path = Path("data")) -> list[Manifest]:
    """Of the batches in data/feedback, the oldest first."""
    return _by_age(map(read_manifest, folders(root / FEEDBACK)))


def list_manifests(root: Path = Path("data")) -> list[Manifest]:
    """Of every batch, whatever became of it, the oldest first."""
    there = {folder.name: folder for room in (HELD, FEEDBACK) for folder in folders(root / room)}
    # Batches that are accepted or held have their refused rows in the quarantine, and a manifest with them.
    gone = [read_manifest(folder) for folder in folders(root / QUARANTINE) if folder.name not in there]
    # One whose ingestion was killed left nothing but that.
    ended = (manifest for manifest in gone if manifest.status not in ("accepted", "held"))
    return _by_age([*map(read_manifest, there.values()), *ended])


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a batch.

    Raises:
        FeedbackError: it is none.
    """
    name = f"{folder.name}/{MANIFEST}"
    try:
        return manifest_of(read_json(folder / MANIFEST), name)
    except ValueError:
        raise FeedbackError(f"{name} is not JSON", "restore it: `dvc checkout data/feedback`") from None


def manifest_stamp(folder: Path) -> str:
    """Changes when the batch does."""
    return _stamp((folder / MANIFEST).stat())


def _stamp(state: os.stat_result) -> str:
    return f"{state.st_mtime_ns}-{state.st_size}"


def parts_of(folder: Path) -> list[Path]:
    """The files of a batch's rows, in the order of the file it came in."""
    return sorted(folder.glob(_PARTS))


def scan_rows(folder: Path) -> pl.LazyFrame:
    """The rows of one batch, by their canonical columns, in the order of the file."""
    parts = parts_of(folder)
    if not parts:
        return empty_frame().lazy()
    # Rows from before there was this column are people's.
    rows = pl.scan_parquet(parts, schema=COLUMNS, missing_columns="insert")
    return rows.with_columns(pl.col("automatic").fill_null(value=False))


def count_tags(folder: Path) -> dict[str, int]:
    """Rows of one batch by tag, the most frequent first."""
    tags = scan_rows(folder).select(pl.col("tags").explode().alias("tag")).drop_nulls()
    counts = tags.group_by("tag").len().sort(["len", "tag"], descending=[True, False])
    return dict(counts.collect().iter_rows())


def withdrawn_rows(folder: Path, name: str = WITHDRAWN) -> pl.DataFrame:
    """Line and digest of the rows that left a batch: nothing that they said, but enough to know them again.

    Args:
        name: WITHDRAWN_IN_PART for rows that stay, without what one person said in them.
    """
    path = folder / name
    return (
        pl.read_parquet(path)
        if path.exists()
        else pl.DataFrame(schema={"line": pl.Int64, "digest": pl.String})
    )


def scan_recent(root: Path, batches: Iterable[str], days: int) -> pl.LazyFrame:
    """Rows by people of those accepted batches that came in the last days; of each enough to tell what it is like."""
    since = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")
    rooms = (root / FEEDBACK / batch for batch in batches)
    found = [scan_rows(room) for room in rooms if read_manifest(room).created_at >= since]
    recent = [rows.filter(BY_PEOPLE).head(_TELLING) for rows in found]
    return pl.concat([empty_frame().lazy(), *recent])


def read_accepted(root: Path = Path("data/feedback")) -> pl.DataFrame:
    """All accepted rows: the canonical columns and `batch`, sorted by batch and line.

    Raises:
        FeedbackError: a batch's rows are not those that were committed.
    """
    frames = [_read_batch(root, read_manifest(folder)) for folder in folders(root)]
    nothing = empty_frame().with_columns(pl.lit(None, pl.String).alias("batch")).clear()
    return pl.concat([nothing, *frames]).sort("batch", "line", maintain_order=True)


def _by_age(manifests: Iterable[Manifest]) -> list[Manifest]:
    return sorted(manifests, key=lambda manifest: (manifest.created_at, manifest.batch))


def check_parts(folder: Path, manifest: Manifest) -> None:
    """Pass a batch whose rows are those that were committed.

    Raises:
        FeedbackError: they are not.
    """
    for name, sha256 in manifest.parts.items():
        if not (folder / name).exists() or sha256_file(folder / name) != sha256:
            what = f"{manifest.batch}/{name} is missing or not what was ingested"
            raise FeedbackError(what, "restore it: `dvc checkout data/feedback`, or ingest the file again")


def _read_batch(root: Path, manifest: Manifest) -> pl.DataFrame:
    folder = root / manifest.batch
    check_parts(folder, manifest)
    return scan_rows(folder).with_columns(pl.lit(manifest.batch).alias("batch")).collect()
