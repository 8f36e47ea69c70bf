"""Feedback that leaves all future datasets: a whole batch, or what one person gave.

What has learned from it stays on record.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from components.feedback import commits, store
from components.feedback.life.events import find_folder, with_event
from components.feedback.life.rewriting import Keep, rewrite_parts
from components.feedback.manifest import Manifest
from components.files import write_json, write_text

#: In place of what a person said in a row that was refused.
_WITHDRAWN = "[withdrawn]"


@dataclass(frozen=True)
class Withdrawal:
    """What left one batch; where people voted together, rows stay without one person's votes.

    Attributes:
        rows: that are gone; votes: taken out of rows that stay.
    """

    batch: str
    rows: int
    votes: int


def withdraw_batch(root: Path, batch: str, why: str) -> Withdrawal:
    """Take all rows of an accepted batch out.

    Raises:
        FeedbackError: no such batch is accepted.
    """
    with commits.ingestion_lock(root):
        return _withdraw(root, find_folder(root, store.FEEDBACK, batch), lambda rows: rows.clear(), why)


def withdraw_annotator(root: Path, annotator: str, why: str) -> list[Withdrawal]:
    """Take out what one person said, wherever it is kept: accepted, held or refused; a batch that held nothing of it is
    left out.
    """
    with commits.ingestion_lock(root):
        rooms = (store.FEEDBACK, store.HELD, store.QUARANTINE)
        folders = [folder for room in rooms for folder in store.folders(root / room)]
        concerned = [folder for folder in folders if _mentions(folder, annotator)]
        gone = [_withdraw(root, folder, lambda rows: without(rows, annotator), why) for folder in concerned]
        named = _named(annotator)
        for folder in folders:
            _hush(folder, named)
    return gone


def without(rows: pl.DataFrame, annotator: str) -> pl.DataFrame:
    """The rows as they are without one person: votes go, and rows on which nobody else spoke."""
    votes = pl.col("votes").list.eval(
        pl.element().filter(pl.element().struct.field("annotator").ne_missing(annotator))
    )
    is_theirs = pl.col("annotator").eq_missing(annotator)
    others = rows.with_columns(votes=votes, spoke=pl.col("votes").list.len() > 0)
    stay = pl.when("spoke").then(pl.col("votes").list.len() > 0).otherwise(~is_theirs)
    return (
        others.filter(stay)
        .with_columns(annotator=pl.when(is_theirs).then(None).otherwise("annotator"))
        .drop("spoke")
    )


def _withdraw(root: Path, folder: Path, keep: Keep, why: str) -> Withdrawal:
    before = store.scan_rows(folder).select("line", "digest", votes=pl.col("votes").list.len()).collect()
    manifest = store.read_manifest(folder)
    with commits.staging(root) as staging:
        staged = staging / "batch"
        shutil.copytree(folder, staged)
        parts = rewrite_parts(staged, keep)
        after = store.scan_rows(staged).select("digest", votes=pl.col("votes").list.len()).collect()
        gone = before.join(after, on="digest", how="anti")
        known = pl.concat([store.withdrawn_rows(folder), gone.select("line", "digest")])
        known.write_parquet(staged / store.WITHDRAWN)
        (staged / store.QUALITY).unlink(missing_ok=True)
        write_json(staged / store.MANIFEST, _without(manifest, parts, gone.height, why).to_json())
        commits.replace_batch(root, folder, staged)
    return Withdrawal(manifest.batch, gone.height, _sum(before) - _sum(gone) - _sum(after))


def _sum(rows: pl.DataFrame) -> int:
    return int(rows["votes"].sum())


def _without(manifest: Manifest, parts: dict[str, str], count: int, why: str) -> Manifest:
    is_empty = count == manifest.accepted and manifest.status != "refused"
    fewer = replace(
        manifest,
        parts=parts,
        accepted=manifest.accepted - count,
        withdrawn=manifest.withdrawn + count,
        status="withdrawn" if is_empty else manifest.status,
        message=why if is_empty else manifest.message,
    )
    return with_event(fewer, "withdrawn", why)


def _mentions(folder: Path, annotator: str) -> bool:
    votes = pl.col("votes").list.eval(pl.element().struct.field("annotator").eq_missing(annotator)).list.any()
    found = (
        store.scan_rows(folder).select((votes | pl.col("annotator").eq_missing(annotator)).any()).collect()
    )
    return bool(found.item()) if found.height else False


def _named(annotator: str) -> re.Pattern[str]:
    """Finds the name as a whole word: JSON and CSV put no letter beside it."""
    spelled = "|".join(re.escape(name) for name in (annotator, json.dumps(annotator)[1:-1]))
    return re.compile(rf"(?<!\w)(?:{spelled})(?!\w)")


def _hush(folder: Path, named: re.Pattern[str]) -> None:
    """Records keep their numbers, refused rows their place and reason, but not what names this person."""
    manifest = store.read_manifest(folder)
    if named.search(json.dumps([manifest.message, manifest.findings], ensure_ascii=False)):
        write_json(
            folder / store.MANIFEST,
            replace(manifest, message=named.sub(_WITHDRAWN, manifest.message), findings=[]).to_json(),
        )
    path = folder / store.REFUSED
    if path.exists():
        with path.open(encoding="ascii") as lines:
            hushed = [_hushed(line, named) for line in lines]
        write_text(path, "".join(hushed))


def _hushed(line: str, named: re.Pattern[str]) -> str:
    entry = json.loads(line)
    if named.search(entry["raw"]) or named.search(entry["message"]):
        entry |= {"raw": _WITHDRAWN, "message": f"{_WITHDRAWN} {entry['reason']}"}
    return json.dumps(entry, ensure_ascii=True) + "\n"
