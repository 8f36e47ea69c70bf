"""Stage `prepare`: data/feedback -> data/prepared, the training data by split."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from components.config import load_params
from components.errors import DataError
from components.feedback.accounts import Account
from components.feedback.prepared import COLUMNS, prepare
from components.feedback.store import list_manifests, read_accepted
from components.feedback.summary import as_text, keep_books, summarise
from components.feedback.tables import write_tables
from components.files import write_json
from components.stages.paths import FEEDBACK, PREPARED, metrics_file
from components.stages.running import run_stage

STAGE = "prepare"


def main() -> None:
    params = load_params().prepare
    prepared = prepare(_read_feedback(), params)
    books = keep_books(list_manifests(FEEDBACK.parent), prepared)
    _refuse_open(books)
    summary = summarise(prepared, books)
    write_tables(PREPARED, prepared)
    write_json(metrics_file(STAGE), summary)
    print(as_text(summary, books))


def _read_feedback() -> pl.DataFrame:
    rows = read_accepted(FEEDBACK).select(COLUMNS)
    if rows.is_empty():
        raise DataError(
            f"there is no accepted feedback in {FEEDBACK}",
            "ingest some: rlhf ingest FILE... (data/samples/ holds simulated feedback to start with)",
        )
    return rows


def _refuse_open(books: Sequence[Account]) -> None:
    """A sum that is wrong means rows that nobody knows of, or that are missing."""
    for account in books:
        if not account.closes:
            sums = "\n".join(account.lines())
            raise DataError(
                f"the feedback's books do not close:\n{sums}",
                "restore the feedback and its manifests: `dvc checkout data/feedback`",
            )


if __name__ == "__main__":
    run_stage(main, STAGE)
