"""The page of a batch: one self-contained HTML file (components/pages/page.py)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from components.feedback.reasons import REMEDIES, Reason
from components.feedback.report.describe import Figures
from components.feedback.report.examples import Example, refused_examples, tagged_examples
from components.feedback.report.plots import batch_plots
from components.pages.page import render_page
from components.pages.table import NOT_MEASURED, Table

TEMPLATE = Path(__file__).parent / "batch.html.j2"
#: Colours of the verdict, as page.css calls them.
_COLOURS = {"accepted": "ready", "held": "waits"}
#: Annotators in the table, the busiest first.
_MOST_PEOPLE = 20


def batch_page(
    numbers: Figures,
    annotators: pl.Series,
    rows: pl.LazyFrame,
    quarantine: Iterable[Mapping[str, Any]],
) -> str:
    """The page of a batch. The same arguments give the same bytes.

    Args:
        numbers: of the batch (numbers.py).
        annotators: the names of those who judged, which the page hides wherever they stand.
        rows: of the batch, by the canonical schema.
        quarantine: the lines of the batch's rows.jsonl, parsed: line, reason, field, message, raw.
    """
    return render_page(
        TEMPLATE,
        numbers=numbers,
        colour=_COLOURS.get(numbers["status"], "blocked"),
        plots=batch_plots(numbers),
        tables=[table for table in _tables(numbers) if table.rows],
        refused=_examples(refused_examples(quarantine, annotators)),
        tagged=_examples(tagged_examples(rows)),
    )


def _tables(numbers: Figures) -> list[Table]:
    return [
        _counts(numbers["counts"]),
        _codes(numbers),
        _kinds(numbers["rows"]),
        _people(numbers["annotators"]),
    ]


def _counts(counts: Figures) -> Table:
    names = [name for name in counts if name != "closes" and (counts[name] or name != "withdrawn")]
    closes = (
        "the others add up to what was read"
        if counts["closes"]
        else "THE OTHERS DO NOT ADD UP TO WHAT WAS READ"
    )
    rows = tuple((name.capitalize(), (f"{counts[name]:,}",)) for name in names)
    return Table(f"Rows: {closes}", ("Rows",), rows)


def _codes(numbers: Figures) -> Table:
    found = [("refused", numbers["reasons"]), ("tagged", numbers["tags"])]
    rows = tuple(
        (code, (what, f"{count:,}", remedy_of(code)))
        for what, codes in found
        for code, count in codes.items()
    )
    return Table("Codes", ("What", "Rows", "What to do"), rows)


def _kinds(rows: Figures) -> Table:
    groups = [("Kind", rows["kinds"]), ("Source", rows["sources"]), ("Language", rows["languages"])]
    found = tuple((name, (what, f"{count:,}")) for what, counts in groups for name, count in counts.items())
    return Table("Accepted rows", ("By", "Rows"), found)


def _people(annotators: list[Figures]) -> Table:
    shapes = {
        "Judged": ("judgements", "{:,}"),
        "Share": ("share", "{:.1%}"),
        "Reliable": ("reliability", "{:.2f}"),
        "Gold": ("gold_right", "{:.0%}"),
        "Seconds": ("seconds", "{:.1f}"),
    }
    rows = tuple(
        (person["annotator"], tuple(_cell(person[name], shape) for name, shape in shapes.values()))
        for person in annotators[:_MOST_PEOPLE]
    )
    return Table("Annotators, the busiest first, under pseudonyms", tuple(shapes), rows)


def _cell(value: float | None, shape: str) -> str:
    return NOT_MEASURED if value is None else shape.format(value)


def _examples(found: list[Example]) -> list[dict[str, Any]]:
    return [{"example": example, "remedy": remedy_of(example.code)} for example in found]


def remedy_of(code: str) -> str:
    """What a person does about a code; "" for one of another version."""
    return REMEDIES.get(Reason(code), "") if code in Reason.__members__.values() else ""
