"""Rows that were withdrawn: nothing that they said is kept, but enough to know them when they come again.

The index knows those that were withdrawn from data/feedback. What waits or was refused claims nothing there, but what
was withdrawn from it must not come in by another file: one small file keeps it, however many batches there are.
"""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl

from components.feedback.entries import digest_key
from components.feedback.index import FeedbackIndex
from components.feedback.reasons import Reason
from components.feedback.store import FEEDBACK, QUARANTINE, WITHDRAWN, WITHDRAWN_IN_PART
from components.files import write_bytes

_COLUMNS = {"batch": pl.String, "line": pl.Int64, "digest": pl.String}
_IS_REPEAT = pl.col("code") == str(Reason.DUPLICATE)
_WHAT = "was withdrawn, as a whole or in part: "


class RecallingIndex:
    """The index as a batch sees it that is taken in: it tells repeats of withdrawn rows from other repeats.

    Args:
        root: the folder that holds feedback/ and quarantine/.
    """

    def __init__(self, index: FeedbackIndex, root: Path) -> None:
        self._index = index
        self._root = root
        self._keys: pl.Series | None = None

    def add(self, entries: pl.DataFrame) -> pl.DataFrame:
        """As FeedbackIndex.add; repeats of withdrawn rows are WITHDRAWN."""
        faults = self._index.add(entries)
        if not faults.select(_IS_REPEAT.any()).item():
            return faults
        if self._keys is None:
            self._keys = _all_keys(self._root)
        return _told(faults, entries.filter(pl.col("digest").is_in(self._keys.implode()))["place"])

    def forget(self, entries: pl.DataFrame) -> None:
        """As FeedbackIndex.forget."""
        self._index.forget(entries)


def remember(root: Path, batch: str, rows: pl.DataFrame) -> None:
    """Keep `line` and `digest` of rows that leave a batch. Call it under the ingestion lock, before they are gone."""
    known = pl.concat([_known(root), rows.with_columns(batch=pl.lit(batch)).select(*_COLUMNS)])
    content = io.BytesIO()
    known.unique("digest", keep="first", maintain_order=True).write_parquet(content)
    write_bytes(_file(root), content.getvalue())


def claim(root: Path, index: FeedbackIndex) -> None:
    """Let the index know these rows, before the batch that is taken in begins.

    They are of no batch in data/feedback, so the index forgets them when it is opened the next time.
    """
    for (batch,), rows in _known(root).group_by("batch", maintain_order=True):
        index.begin(f"{batch} (withdrawn)", "")
        places = rows.with_row_index("place").select(pl.col("place").cast(pl.Int64), "line", "digest")
        key = digest_key(pl.col("digest"))
        index.add(places.with_columns(digest=key, id_key=pl.lit(None, pl.String)))


def _told(faults: pl.DataFrame, withdrawn: pl.Series) -> pl.DataFrame:
    """Faults, in which repeats at these places are called what they are."""
    again = _IS_REPEAT & pl.col("place").is_in(withdrawn.implode())
    return faults.with_columns(
        code=pl.when(again).then(pl.lit(str(Reason.WITHDRAWN))).otherwise("code"),
        what=pl.when(again).then(pl.lit(_WHAT) + pl.col("what")).otherwise("what"),
    )


def _all_keys(root: Path) -> pl.Series:
    """What the index knows withdrawn rows by, wherever they were."""
    names = (WITHDRAWN, WITHDRAWN_IN_PART)
    files = [file for name in names for file in (root / FEEDBACK).glob(f"*/{name}")]
    digests = [_known(root)["digest"], *(pl.read_parquet(file)["digest"] for file in files)]
    return pl.concat(digests).to_frame("digest").select(digest_key(pl.col("digest"))).to_series()


def _known(root: Path) -> pl.DataFrame:
    path = _file(root)
    return pl.read_parquet(path) if path.exists() else pl.DataFrame(schema=_COLUMNS)


def _file(root: Path) -> Path:
    return root / QUARANTINE / WITHDRAWN
