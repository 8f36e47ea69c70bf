"""What became of the feedback: the counts, for reports/prepare.json and for a person's eyes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypedDict

import polars as pl

from components.feedback.accounts import Account
from components.feedback.manifest import Manifest
from components.feedback.prepared import Prepared
from components.feedback.splits import ROLES, SPLITS


class Summary(TypedDict):
    """Counts.

    Attributes:
        read: accepted rows, and comparisons of different answers, by kind.
        used: by table and split, preferences by role as well.
        books: by the name of its total, each account's parts and total.
    """

    read: dict[str, int]
    comparisons: dict[str, int]
    ties: int
    used: dict[str, dict[str, int]]
    books: dict[str, dict[str, int]]


def summarise(prepared: Prepared, books: Sequence[Account]) -> Summary:
    pairs = prepared.pairs
    return Summary(
        read=dict(sorted(prepared.read.items())),
        comparisons=dict(sorted((pairs.comparisons - pairs.identical).items())),
        ties=prepared.preferences.filter(pl.col("probability") == 0.5).height,
        used=_used(prepared),
        books={account.name: {**account.parts, "total": account.total} for account in books},
    )


def keep_books(manifests: Sequence[Manifest], prepared: Prepared) -> list[Account]:
    """From the lines of all batches to the tables of training data."""
    rows = prepared.read.total()
    return [_lines_read(manifests, rows), _rows_used(prepared, rows), *_tables_made(prepared)]


def _lines_read(manifests: Sequence[Manifest], rows: int) -> Account:
    """Rows of a batch that is not in the dataset are counted by what became of the batch."""
    sound = [manifest for manifest in manifests if manifest.status != "rejected"]
    parts = {
        "lines read": sum(manifest.read for manifest in manifests),
        "in rejected batches": -sum(manifest.read for manifest in manifests if manifest.status == "rejected"),
        "quarantined": -sum(manifest.quarantined for manifest in sound),
        "duplicates": -sum(manifest.duplicates for manifest in sound),
    }
    for status in ("held", "refused"):
        parts[status] = -sum(manifest.accepted for manifest in sound if manifest.status == status)
    parts["withdrawn"] = -sum(manifest.withdrawn for manifest in sound)
    return Account("rows in the dataset", parts, rows)


def _rows_used(prepared: Prepared, rows: int) -> Account:
    """Each row by the first of these that it does; an edit both compares and demonstrates."""
    comparing, read = prepared.pairs.rows, prepared.read
    parts = {
        "rows that compare answers": comparing.total(),
        "that demonstrate": read["demonstration"],
        "that rate an answer alone": read["rating"] - comparing["rating"],
        "with nothing to compare": sum(
            read[kind] - comparing[kind] for kind in ("pairwise", "ranking", "thumbs")
        ),
    }
    return Account("rows in the dataset, by use", parts, rows)


def _tables_made(prepared: Prepared) -> Iterator[Account]:
    pairs, read = prepared.pairs, prepared.read
    made, identical = pairs.comparisons.total(), pairs.identical.total()
    distinct = pairs.preferences.height
    parts = {f"comparisons by {kind}": count for kind, count in sorted(pairs.comparisons.items())}
    again = made - identical - distinct
    yield Account(
        "pairs", parts | {"of the same answer": -identical, "of a pair met before": -again}, distinct
    )
    repeated = prepared.written + prepared.chosen - prepared.demonstrations.height
    parts = {
        "written or mended": prepared.written,
        "repeated": -repeated,
        "preferred answers": prepared.chosen,
    }
    yield Account("demonstrations", parts, prepared.demonstrations.height)
    parts = {"answers rated": read["rating"], "answers with thumbs": read["thumbs"]}
    yield Account("ratings", parts, prepared.ratings.height)


def _used(prepared: Prepared) -> dict[str, dict[str, int]]:
    preferences, ratings = prepared.preferences, prepared.ratings
    return {
        "demonstrations": _sizes(prepared.demonstrations),
        **{f"preferences_{role}": _sizes(preferences.filter(pl.col("role") == role)) for role in ROLES},
        "ratings": _sizes(ratings.filter(pl.col("kind") == "rating")),
        "thumbs": _sizes(ratings.filter(pl.col("kind") == "thumbs")),
        "prompts": _sizes(prepared.prompts),
    }


def _sizes(table: pl.DataFrame) -> dict[str, int]:
    found = dict(table.group_by("split").len().iter_rows())
    return {split: found.get(split, 0) for split in SPLITS}


def as_text(summary: Summary, books: Sequence[Account]) -> str:
    """The books, and below them who learns what, as plain text."""
    return "\n".join([*_sums(books), *_lines(summary)])


def _sums(books: Sequence[Account]) -> Iterator[str]:
    for account in books:
        yield from account.lines()
        yield ""


def _lines(summary: Summary) -> Iterator[str]:
    yield f"{'':24}" + "".join(f"{title:>12}" for title in ("total", *SPLITS))
    for name, sizes in summary["used"].items():
        yield f"{name:24}" + "".join(f"{count:>12,}" for count in (sum(sizes.values()), *sizes.values()))
    yield _list_of("rows", summary["read"])
    yield f"{'ties among preferences':24} {summary['ties']:,}"


def _list_of(title: str, counts: Mapping[str, int]) -> str:
    return f"{title:24} " + (", ".join(f"{count:,} {name}" for name, count in counts.items()) or "none")
