"""A held batch is released into the accepted feedback, or refused; one that was refused may be released after all."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path

import polars as pl

from components.config import FeedbackParams
from components.errors import FeedbackError
from components.feedback import commits, store
from components.feedback.declaration import name_is_taken
from components.feedback.entries import digest_key
from components.feedback.faults import by_place
from components.feedback.index import FeedbackIndex, claims_of, open_index
from components.feedback.life.assessing import assess_again, with_findings, write_quality
from components.feedback.life.events import find_folder, with_event
from components.feedback.life.rewriting import rewrite_parts
from components.feedback.manifest import Manifest
from components.feedback.reasons import REPEATS, RowError
from components.feedback.sifting import refused_line
from components.feedback.withdrawn import RecallingIndex
from components.files import read_json, replacing_directory, write_json


def release(root: Path, batch: str, why: str, params: FeedbackParams | None = None) -> Manifest:
    """Accept a batch that waits or was refused, but for rows that other batches have brought meanwhile.

    Args:
        params: by which it is looked at again where rows left it; None: as they are by default.

    Raises:
        FeedbackError: no such batch waits, nor was refused; or it cannot be released. Nothing was changed then.
    """
    with commits.ingestion_lock(root), open_index(root) as index, commits.staging(root) as folder:
        undecided = _undecided(root, batch)
        before = _checked(undecided)
        _check_name_is_new(root, index, before)
        rows = folder / "rows"
        shutil.copytree(undecided, rows, ignore=shutil.ignore_patterns(store.REFUSED))
        recent = index.recent()
        index.begin(batch, before.sha256, before.declared)
        entries = claims_of(rows)
        late = by_place(RecallingIndex(index, root).add(entries))
        faults = {digest: late[place] for place, _, digest, _ in entries.iter_rows() if place in late}
        refused = [folder / "early.jsonl", folder / "late.jsonl"]
        _copy_lines(root / store.QUARANTINE / batch / store.REFUSED, refused[0], before)
        manifest, quality = _released(rows, before, faults, refused[1], why), rows / store.QUALITY
        if manifest.accepted < before.accepted or not quality.exists():
            found = assess_again(root, rows, recent, params or FeedbackParams())
            write_quality(rows, found)
            manifest = with_findings(manifest, found)
        figures = read_json(quality)
        # An error before this has changed nothing.
        held = _waiting(root, undecided, folder / "waiting")
        place = commits.commit(root, manifest, rows, refused, figures)
        index.commit(place)
        # A kill before this leaves both; the accepted one counts, and the next change of the store sweeps the other.
        commits.remove_batch(root, held)
    return manifest


def _undecided(root: Path, batch: str) -> Path:
    """The folder of a batch that waits, or of one that was refused."""
    waits = any(folder.name == batch for folder in store.folders(root / store.HELD))
    quarantined = next((each for each in store.folders(root / store.QUARANTINE) if each.name == batch), None)
    if not waits and quarantined and store.read_manifest(quarantined).status == "refused":
        return quarantined
    return find_folder(root, store.HELD, batch)


def _checked(folder: Path) -> Manifest:
    manifest = store.read_manifest(folder)
    if not manifest.accepted:
        raise FeedbackError(f"{manifest.batch} was withdrawn", "nothing of it is left to release")
    store.check_parts(folder, manifest)
    return manifest


def _check_name_is_new(root: Path, index: FeedbackIndex, manifest: Manifest) -> None:
    """Another file may have come under the sender's name meanwhile; the same bytes may, as a retry."""
    taker = index.declared(manifest.declared) if manifest.declared is not None else None
    if taker is not None and store.read_manifest(root / store.FEEDBACK / taker).sha256 != manifest.sha256:
        remedy = f"bring its rows in another file, under a name of its own; this one stays {manifest.status}"
        raise name_is_taken(manifest.file, manifest.declared, taker, remedy)


def _waiting(root: Path, undecided: Path, staged: Path) -> Path:
    """The folder of a batch in data/held; one that was refused waits there again."""
    held = root / store.HELD / undecided.name
    if undecided != held:
        _wait_again(undecided, held, staged)
    return held


def _wait_again(refused: Path, place: Path, staged: Path) -> None:
    """Put a refused batch back to those that wait. It also stays where it is: a kill after this loses nothing."""
    manifest = store.read_manifest(refused)
    why = "; ".join(finding["message"] for finding in manifest.findings if finding["action"] == "hold")
    shutil.copytree(refused, staged, ignore=shutil.ignore_patterns(store.REFUSED))
    write_json(staged / store.MANIFEST, replace(manifest, status="held", message=why).to_json())
    place.parent.mkdir(parents=True, exist_ok=True)
    staged.rename(place)


def _copy_lines(source: Path, target: Path, manifest: Manifest) -> None:
    """The rows that ingestion refused; not those that a release added which was killed before its end."""
    count = manifest.quarantined + manifest.duplicates
    with source.open("rb") as lines, target.open("wb") as copy:
        copy.writelines(islice(lines, count))


def refuse(root: Path, batch: str, why: str) -> Manifest:
    """Put a held batch aside for good; its rows stay readable in data/quarantine.

    Raises:
        FeedbackError: no such batch waits.
    """
    with commits.ingestion_lock(root):
        held = find_folder(root, store.HELD, batch)
        manifest = with_event(
            replace(store.read_manifest(held), status="refused", message=why), "refused", why
        )
        place = root / store.QUARANTINE / batch
        with replacing_directory(place) as folder:
            shutil.copytree(place, folder, dirs_exist_ok=True)
            shutil.copytree(held, folder, dirs_exist_ok=True)
            write_json(folder / store.MANIFEST, manifest.to_json())
        commits.remove_batch(root, held)
    return manifest


def _released(
    rows: Path, manifest: Manifest, faults: Mapping[bytes, RowError], late: Path, why: str
) -> Manifest:
    """Take the faulty rows out, into a file as the quarantine's; the manifest as it is then."""
    reasons: Counter[str] = Counter()

    def keep(part: pl.DataFrame) -> pl.DataFrame:
        keys = _keys(part)
        sound = pl.Series([key not in faults for key in keys], dtype=pl.Boolean)
        lines.writelines(_late_lines(manifest, part.filter(~sound), faults))
        reasons.update(str(faults[key].code) for key in keys if key in faults)
        return part.filter(sound)

    with late.open("w", encoding="ascii") as lines:
        parts = rewrite_parts(rows, keep)
    left, repeats = reasons.total(), sum(reasons.pop(str(code), 0) for code in REPEATS)
    accepted = replace(
        manifest,
        status="accepted",
        parts=parts,
        accepted=manifest.accepted - left,
        duplicates=manifest.duplicates + repeats,
        quarantined=manifest.quarantined + left - repeats,
        reasons=dict((Counter(manifest.reasons) + reasons).most_common()),
        tags=store.count_tags(rows),
        message="",
        remedy="",
    )
    return with_event(accepted, "released", why)


def _late_lines(manifest: Manifest, rows: pl.DataFrame, faults: Mapping[bytes, RowError]) -> Iterator[str]:
    """Lines of the quarantine. What stood in the file is gone: the row as it was accepted stands for it."""
    for row, key in zip(rows.iter_rows(named=True), _keys(rows), strict=True):
        yield refused_line(manifest.file, "line", row["line"], json.dumps(row, default=str), faults[key])


def _keys(rows: pl.DataFrame) -> list[bytes]:
    """What the index knows them by."""
    return rows.select(digest_key(pl.col("digest"))).to_series().to_list()
