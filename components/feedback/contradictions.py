"""People who prefer both of two answers. Their voices wait on disk until all of a file has been read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from components.feedback.draft import FIRST, SECOND, Draft
from components.feedback.reasons import Reason, RowError

_FILES = "voices-*.parquet"
_COLUMNS = {
    "texts": pl.UInt64,
    "annotator": pl.String,
    "first": pl.Boolean,
    "place": pl.Int64,
    "line": pl.Int64,
}
#: How many lines of a contradiction are told.
_TOLD = 5


class Voice(NamedTuple):
    """Which of two answers a named person prefers.

    Attributes:
        texts: stands for the prompt and the two answers.
        first: whether it is the first of the two, in alphabetical order.
        place: of the row in the file (judgements.Entry).
    """

    texts: int
    annotator: str
    first: bool
    place: int
    line: int


def voices(draft: Draft, texts: str, place: int, line: int) -> Iterator[Voice]:
    """The preferences of named people; a tie contradicts none.

    Args:
        texts: judgements.digest_of_texts.
    """
    if draft.kind != "pairwise":
        return
    in_order = draft.responses[0] <= draft.responses[1]
    for vote in draft.votes:
        if vote.annotator is not None and vote.label in (FIRST, SECOND):
            # 64 bits: two pairs that share them by chance would have to be judged by one person, too.
            yield Voice(int(texts[:16], 16), vote.annotator, (vote.label == FIRST) == in_order, place, line)


def write_voices(folder: Path, number: int, heard: Sequence[Voice]) -> None:
    """Put the voices of a block aside."""
    if heard:
        rows = pl.DataFrame(heard, schema=_COLUMNS, orient="row")
        rows.write_parquet(folder / f"voices-{number:05}.parquet", compression="lz4", statistics=False)


def contradictions(folder: Path, refused: Sequence[int]) -> dict[int, RowError]:
    """The rows, by place, in which a person prefers both of two answers: which holds, nobody can tell.

    Args:
        refused: places of rows that are refused already, whose voices do not count.
    """
    files = sorted(folder.glob(_FILES))
    if not files:
        return {}
    heard = pl.scan_parquet(files)
    # Most texts are judged once: they are ruled out by a column of numbers alone.
    repeated = heard.select("texts").collect()["texts"].value_counts().filter(pl.col("count") > 1)["texts"]
    several = heard.filter(
        pl.col("texts").is_in(repeated.implode()), ~pl.col("place").is_in(list(refused))
    ).collect()
    both = pl.col("first").n_unique().over("texts", "annotator") > 1
    return _faults(several.filter(both).sort("place"))


def _faults(clashing: pl.DataFrame) -> dict[int, RowError]:
    lines: defaultdict[tuple[int, str], set[int]] = defaultdict(set)
    for texts, annotator, line in clashing.select("texts", "annotator", "line").iter_rows():
        lines[texts, annotator].add(line)
    rows = clashing.select("texts", "annotator", "place").reverse().iter_rows()
    # Reversed: where a record contradicts itself in several ways, the first is told.
    return {place: _fault(annotator, lines[texts, annotator]) for texts, annotator, place in rows}


def _fault(annotator: str, lines: set[int]) -> RowError:
    told = " and ".join(str(line) for line in sorted(lines)[:_TOLD])
    what = f"{annotator!a} prefers both responses, each once (lines {told})"
    return RowError(Reason.SELF_CONFLICT, "annotator", what)
