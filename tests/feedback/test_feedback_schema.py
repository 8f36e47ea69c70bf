"""The last gate before the store: a frame that breaks a rule of the schema does not pass."""

from __future__ import annotations

import pandera.errors
import polars as pl
import pytest
from batch_files import Workspace

from components.feedback.schema import COLUMNS, SCHEMA, checked, empty_frame

PAIRWISE = {"prompt": "p", "chosen": "x", "rejected": "y", "annotator": "ann"}
RATING = {"prompt": "p", "response": "r", "rating": 3}
RANKING = {"prompt": "p", "responses": ["a", "b"], "ranks": [1, 2]}
THUMBS = {"prompt": "p", "response": "r", "thumbs_up": True}


def _row(tmp_path, record):
    row = Workspace(tmp_path).only_row(record)
    return {name: row[name] for name in COLUMNS}


def _checked(*rows):
    return checked(pl.DataFrame(rows, schema=COLUMNS))


@pytest.mark.parametrize(
    ("record", "change"),
    [
        (PAIRWISE, {"kind": "essay"}),
        (PAIRWISE, {"responses": ["x"]}),
        (PAIRWISE, {"votes": []}),
        (PAIRWISE, {"votes": [{"annotator": "ann", "label": 0.7, "at": None}]}),
        (PAIRWISE, {"ranks": [1, 2]}),
        (PAIRWISE, {"scale_min": 1.0}),
        (PAIRWISE, {"strength": 1.5}),
        (PAIRWISE, {"gold": 0.7}),
        (RATING, {"gold": 1.0}),
        (PAIRWISE, {"seconds": -1.0}),
        (PAIRWISE, {"tags": ["DUPLICATE"]}),
        (PAIRWISE, {"tags": None}),
        (PAIRWISE, {"prompt": None}),
        (PAIRWISE, {"digest": "abc"}),
        (RATING, {"votes": [{"annotator": None, "label": 6.0, "at": None}]}),
        (RATING, {"scale_max": None}),
        (RATING, {"responses": ["r", "s"]}),
        (THUMBS, {"votes": [{"annotator": None, "label": 0.5, "at": None}]}),
        (RANKING, {"ranks": [1]}),
        (RANKING, {"ranks": None}),
        (RANKING, {"responses": ["a"], "ranks": [1]}),
        (RANKING, {"votes": [{"annotator": None, "label": 1.0, "at": None}]}),
    ],
)
def test_rules(tmp_path, record, change):
    row = _row(tmp_path, record)
    assert _checked(row).height == 1
    with pytest.raises(pandera.errors.SchemaErrors):
        _checked(row | change)


def test_columns_are_all_and_in_order(tmp_path):
    frame = _checked(_row(tmp_path, PAIRWISE))
    assert frame.schema == empty_frame().schema
    for broken in (
        frame.drop("meta"),
        frame.with_columns(extra=pl.lit(1)),
        frame.select(reversed(frame.columns)),
    ):
        with pytest.raises(pandera.errors.SchemaErrors):
            SCHEMA.validate(broken, lazy=True)
