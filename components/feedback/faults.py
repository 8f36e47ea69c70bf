"""What is wrong with rows, as a table: of a file that is sent twice it is every row.

Rows are known by their places in the file (judgements.Judgement).
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from components.feedback.reasons import Reason, RowError

FAULTS = {"place": pl.Int64(), "code": pl.String(), "field": pl.String(), "what": pl.String()}


def as_faults(found: Iterable[tuple[int, RowError]]) -> pl.DataFrame:
    """Places and what is wrong there, as a table."""
    rows = [(place, str(fault.code), fault.field, fault.what) for place, fault in found]
    return pl.DataFrame(rows, schema=FAULTS, orient="row")


def by_place(faults: pl.DataFrame) -> dict[int, RowError]:
    """What is wrong, by place."""
    return {place: RowError(Reason(code), field, what) for place, code, field, what in faults.iter_rows()}
