"""Feedback that leaves all future datasets: a whole batch, single rows of it, or what one person gave.

What has learned from it stays on record.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from components.config import FeedbackParams
from components.errors import FeedbackError
from components.feedback import commits, store
from components.feedback.index import open_index
from components.feedback.life.assessing import assess_again, with_findings, without_numbers, write_quality
from components.feedback.life.events import find_folder, with_event
from components.feedback.life.hushing import hush
from components.feedback.life.person import Person
from components.feedback.life.rewriting import Keep, rewrite_parts
from components.feedback.life.twins import finish_decisions, mend_twin
from components.feedback.manifest import Manifest
from components.feedback.withdrawn import remember
from components.files import write_json


@dataclass(frozen=True)
class Withdrawal:
    """What left one batch; where people voted together, rows stay without one person's votes.

    Attributes:
        rows: that are gone; votes: taken out of rows that stay.
        refused: rows in the quarantine whose texts are gone.
    """

    batch: str
    rows: int
    votes: int
    refused: int = 0


@dataclass(frozen=True)
class Erasure:
    """What left because of one person, and what a person should look at.

    Attributes:
        gone: of each batch that held something of it.
        unreadable: refused rows by batch that cannot be read: whose they are nobody can tell.
        named_after: batches whose own name, or whose file's, holds the person's name.
        on_pages: judgements and thumbs that the pages' databases held, by page.
    """

    gone: list[Withdrawal] = field(default_factory=list)
    unreadable: dict[str, int] = field(default_factory=dict)
    named_after: list[str] = field(default_factory=list)
    on_pages: dict[str, int] = field(default_factory=dict)


def withdraw_batch(root: Path, batch: str, why: str) -> Withdrawal:
    """Take all rows of an accepted batch out.

    Raises:
        FeedbackError: no such batch is accepted.
    """
    with commits.ingestion_lock(root):
        folder = find_folder(root, store.FEEDBACK, batch)
        return _withdraw(root, folder, lambda rows: rows.clear(), why, FeedbackParams())


def withdraw_lines(root: Path, batch: str, lines: Sequence[int], why: str) -> Withdrawal:
    """Take single rows of an accepted batch out. Their ids are free then: a row that corrects one may come in.

    Args:
        lines: of the file that the batch came in, as messages name them.

    Raises:
        FeedbackError: no such batch is accepted, or no one row is accepted of a line; nothing was withdrawn then.
    """
    with commits.ingestion_lock(root):
        folder = find_folder(root, store.FEEDBACK, batch)
        for line in lines:
            _check_line(folder, line)
        told = f"line {', '.join(map(str, lines))}: {why}"
        meant = pl.col("line").is_in(lines)
        return _withdraw(root, folder, lambda rows: rows.filter(~meant), told, FeedbackParams())


def _check_line(folder: Path, line: int) -> None:
    is_meant = pl.col("line") == line
    count = store.scan_rows(folder).filter(is_meant).collect().height
    if count > 1:
        what = f"line {line} of {folder.name} holds {count} rows: which one is meant nobody can tell"
        raise FeedbackError(what, f"withdraw them all: `rlhf feedback withdraw {folder.name} --why ...`")
    if not count and store.withdrawn_rows(folder).filter(is_meant).height:
        what = f"line {line} of {folder.name} was withdrawn before"
        raise FeedbackError(what, "nothing: leave this line out")
    if not count:
        what = f"{folder.name} has no accepted row of line {line}"
        remedy = f"take batch and line from the message; `rlhf feedback quarantine {folder.name}` shows refused rows"
        raise FeedbackError(what, remedy)


def withdraw_annotator(root: Path, annotator: str, why: str, params: FeedbackParams | None = None) -> Erasure:
    """Take out what one person said, wherever it is kept: accepted, held or refused.

    Args:
        params: by which a batch that waits is looked at again; None: as they are by default.
    """
    person = Person(annotator)
    with commits.ingestion_lock(root):
        finish_decisions(root)
        rooms = (store.FEEDBACK, store.HELD, store.QUARANTINE)
        folders = [folder for room in rooms for folder in store.folders(root / room)]
        concerned = [folder for folder in folders if _mentions(folder, annotator)]
        reason = person.hidden(why)
        gone = [
            _withdraw(root, folder, lambda rows: without(rows, annotator), reason, params or FeedbackParams())
            for folder in concerned
        ]
        return _hush_all(root, folders, person, {withdrawal.batch: withdrawal for withdrawal in gone})


def _hush_all(root: Path, folders: list[Path], person: Person, gone: dict[str, Withdrawal]) -> Erasure:
    """After the rows: what is kept beside them."""
    unreadable: Counter[str] = Counter()
    for folder in folders:
        hushed = hush(folder, person)
        mend_twin(root, folder)
        unreadable[folder.name] += hushed.unreadable
        if hushed.rows:
            before = gone.get(folder.name, Withdrawal(folder.name, 0, 0))
            gone[folder.name] = replace(before, refused=hushed.rows)
    named_after = {folder.name for folder in folders if _is_named_after(folder, person)}
    return Erasure(list(gone.values()), dict(+unreadable), sorted(named_after))


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


def _withdraw(root: Path, folder: Path, keep: Keep, why: str, params: FeedbackParams) -> Withdrawal:
    before = _outline(folder)
    with commits.staging(root) as staging:
        staged = staging / "batch"
        shutil.copytree(folder, staged)
        parts = rewrite_parts(staged, keep)
        after = _outline(staged)
        gone, poorer = before.join(after, on="digest", how="anti"), _poorer(before, after)
        _keep_known(staged, store.WITHDRAWN, gone)
        _keep_known(staged, store.WITHDRAWN_IN_PART, poorer)
        counted = _without(store.read_manifest(folder), parts, gone.height, why)
        manifest = _looked_at(root, staged, replace(counted, tags=store.count_tags(staged)), params)
        write_json(staged / store.MANIFEST, manifest.to_json())
        if folder.parent.name != store.FEEDBACK:
            remember(root, folder.name, pl.concat([gone, poorer]))
        commits.replace_batch(root, folder, staged)
    commits.record_beside_refused(root, manifest)
    return Withdrawal(folder.name, gone.height, _sum(before) - _sum(gone) - _sum(after))


def _outline(folder: Path) -> pl.DataFrame:
    rows = store.scan_rows(folder)
    votes, is_signed = pl.col("votes").list.len(), pl.col("annotator").is_not_null()
    return rows.select("line", "digest", votes=votes, is_signed=is_signed).collect()


def _poorer(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """The rows that stay without what one person said in them: sent again, they would name that person again."""
    return before.join(after, on=before.columns, how="anti").join(after, on="digest", how="semi")


def _keep_known(folder: Path, name: str, rows: pl.DataFrame) -> None:
    if rows.height:
        known = pl.concat([store.withdrawn_rows(folder, name), rows.select("line", "digest")])
        known.write_parquet(folder / name)


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


def _looked_at(root: Path, staged: Path, manifest: Manifest, params: FeedbackParams) -> Manifest:
    """What was found of the batch, as far as it is still true: about one that waits a person has yet to decide."""
    (staged / store.QUALITY).unlink(missing_ok=True)
    if manifest.status != "held":
        return without_numbers(manifest)
    with open_index(root) as index:
        recent = index.recent()
    quality = assess_again(root, staged, recent, params)
    write_quality(staged, quality)
    return with_findings(manifest, quality)


def _mentions(folder: Path, annotator: str) -> bool:
    votes = pl.col("votes").list.eval(pl.element().struct.field("annotator").eq_missing(annotator)).list.any()
    found = (
        store.scan_rows(folder).select((votes | pl.col("annotator").eq_missing(annotator)).any()).collect()
    )
    return bool(found.item()) if found.height else False


def _is_named_after(folder: Path, person: Person) -> bool:
    manifest = store.read_manifest(folder)
    names = (manifest.batch, manifest.file, manifest.declared or "")
    return any(person.hidden(name) != name for name in names)
