"""The canonical schema: one row is one accepted record of feedback, whatever format it came in."""

from __future__ import annotations

from typing import get_args

import pandera.polars as pa
import polars as pl

from components.feedback.automatic.names import PREFIX
from components.feedback.draft import Kind
from components.feedback.reasons import ROW_TAGS

_MESSAGES = pl.List(pl.Struct({"role": pl.String, "content": pl.String}))
_MOMENT = pl.Datetime("us", "UTC")
_VOTES = pl.List(pl.Struct({"annotator": pl.String, "label": pl.Float64, "at": _MOMENT}))

#: Column -> type of a file of rows, in this order. components/feedback/draft.py says what they mean.
COLUMNS: dict[str, pl.DataType] = {
    "row_id": pl.String(),
    "line": pl.Int64(),
    "kind": pl.String(),
    "prompt": pl.String(),
    "messages": _MESSAGES,
    "responses": pl.List(pl.String),
    "ranks": pl.List(pl.Int64),
    "scale_min": pl.Float64(),
    "scale_max": pl.Float64(),
    "strength": pl.Float64(),
    "votes": _VOTES,
    "annotator": pl.String(),
    "created_at": _MOMENT,
    "source": pl.String(),
    "language": pl.String(),
    "gold": pl.Float64(),
    "seconds": pl.Float64(),
    "automatic": pl.Boolean(),
    "tags": pl.List(pl.String),
    "meta": pl.String(),
    "digest": pl.String(),
}
_OPTIONAL = (
    "messages", "ranks", "scale_min", "scale_max", "strength", "annotator", "created_at", "language", "gold", "seconds",
)  # fmt: skip

_LABELS = pl.col("votes").list.eval(pl.element().struct.field("label"))
_RESPONSES = pl.col("responses").list.len()
_BY_MACHINE = pl.col("votes").list.eval(
    pl.element().struct.field("annotator").str.starts_with(PREFIX).fill_null(value=False)
)


def _is(kind: Kind) -> pl.Expr:
    return pl.col("kind") == kind


#: What must be true of each row, beyond its types.
_RULES: dict[str, pl.Expr] = {
    "two responses in a pair or an edit": ~pl.col("kind").is_in(["pairwise", "edit"]) | (_RESPONSES == 2),
    "one response otherwise, but in a ranking": (
        pl.col("kind").is_in(["pairwise", "edit", "ranking"]) | (_RESPONSES == 1)
    ),
    "a rank for each of two or more responses": (
        pl.when(_is("ranking"))
        .then((pl.col("ranks").list.len() == _RESPONSES).fill_null(value=False) & (_RESPONSES >= 2))
        .otherwise(pl.col("ranks").is_null())
    ),
    "votes where people vote": (
        (pl.col("votes").list.len() > 0) == pl.col("kind").is_in(["pairwise", "rating", "thumbs"])
    ),
    "a pairwise label is 1, 0.5 or 0": (
        ~_is("pairwise") | _LABELS.list.eval(pl.element().is_in([0.0, 0.5, 1.0])).list.all()
    ),
    "gold is a label of a pair": (
        pl.col("gold").is_null() | (_is("pairwise") & pl.col("gold").is_in([0.0, 0.5, 1.0]))
    ),
    "automatic rows, and no others, are pairs judged under names of automatic annotators": (
        pl.when("automatic").then(_is("pairwise") & _BY_MACHINE.list.all()).otherwise(~_BY_MACHINE.list.any())
    ),
    "tags are of rows": pl.col("tags").list.eval(pl.element().is_in(sorted(ROW_TAGS))).list.all(),
    "a thumb is 1 or 0": ~_is("thumbs") | _LABELS.list.eval(pl.element().is_in([0.0, 1.0])).list.all(),
    "a rating lies on its scale": (
        pl.when(_is("rating"))
        .then(
            (_LABELS.list.min() >= pl.col("scale_min")).fill_null(value=False)
            & (_LABELS.list.max() <= pl.col("scale_max")).fill_null(value=False)
        )
        .otherwise(pl.col("scale_min").is_null() & pl.col("scale_max").is_null())
    ),
}


def _rule(name: str, holds: pl.Expr) -> pa.Check:
    return pa.Check(lambda data: data.lazyframe.select(holds), name=name, error=name)


def _column(name: str, dtype: pl.DataType) -> pa.Column:
    checks = {
        "kind": [pa.Check.isin(get_args(Kind))],
        "digest": [pa.Check.str_matches(r"^[0-9a-f]{64}$")],
        "strength": [pa.Check.in_range(0, 1)],
        "seconds": [pa.Check.ge(0)],
    }
    return pa.Column(dtype, checks.get(name), nullable=name in _OPTIONAL)


SCHEMA = pa.DataFrameSchema(
    {name: _column(name, dtype) for name, dtype in COLUMNS.items()},
    checks=[_rule(name, holds) for name, holds in _RULES.items()],
    strict=True,
    ordered=True,
    coerce=False,
)


def empty_frame() -> pl.DataFrame:
    return pl.DataFrame(schema=COLUMNS)


def checked(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows that obey the schema.

    Raises:
        pandera.errors.SchemaErrors: one does not: a fault of a reader or of validation, not of the data.
    """
    return SCHEMA.validate(rows, lazy=True)
