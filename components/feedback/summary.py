"""What became of the feedback: the counts, for reports/prepare.json and for a person's eyes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import polars as pl

from components.feedback.accounts import Account
from components.feedback.automatic.agreement import told
from components.feedback.automatic.lessons import Automatic
from components.feedback.manifest import Manifest
from components.feedback.prepared import Prepared
from components.feedback.printable import printable
from components.feedback.splits import ROLES, SPLITS


class Summary(TypedDict):
    """Counts.

    Attributes:
        read: accepted rows, and comparisons of different answers, by kind.
        used: by table and split, preferences by role as well.
        automatic: only where there is some: rows accepted, pairs learned from, the share of the reward model's training
            weight that they have, and each annotator's agreement with people (automatic/agreement.py).
        books: by the name of its total, each account's parts and total.
    """

    read: dict[str, int]
    comparisons: dict[str, int]
    ties: int
    used: dict[str, dict[str, int]]
    books: dict[str, dict[str, int]]
    automatic: NotRequired[dict[str, Any]]


def summarise(prepared: Prepared, books: Sequence[Account]) -> Summary:
    summary = _summarise(prepared, books)
    # What is not there changes nothing of what is told.
    return summary | {"automatic": _automatic(prepared.automatic)} if prepared.automatic.rows else summary


def _automatic(automatic: Automatic) -> dict[str, Any]:
    return {
        "rows": automatic.rows,
        "pairs": automatic.preferences.height,
        "share": automatic.share,
        "annotators": dict(automatic.agreement),
    }


def _summarise(prepared: Prepared, books: Sequence[Account]) -> Summary:
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
    rows = prepared.read.total() + prepared.automatic.rows
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
    automatic = {"judged automatically": prepared.automatic.rows} if prepared.automatic.rows else {}
    return Account("rows in the dataset, by use", parts | automatic, rows)


def _tables_made(prepared: Prepared) -> Iterator[Account]:
    pairs, read = prepared.pairs, prepared.read
    made, identical = pairs.comparisons.total(), pairs.identical.total()
    distinct = pairs.preferences.height
    parts = {f"comparisons by {kind}": count for kind, count in sorted(pairs.comparisons.items())}
    again = made - identical - distinct
    yield Account(
        "pairs", parts | {"of the same answer": -identical, "of a pair met before": -again}, distinct
    )
    if prepared.automatic.rows:
        yield _automatic_pairs(prepared.automatic)
    repeated = prepared.written + prepared.chosen - prepared.demonstrations.height
    parts = {
        "written or mended": prepared.written,
        "repeated": -repeated,
        "preferred answers": prepared.chosen,
    }
    yield Account("demonstrations", parts, prepared.demonstrations.height)
    parts = {"answers rated": read["rating"], "answers with thumbs": read["thumbs"]}
    yield Account("ratings", parts, prepared.ratings.height)


def _automatic_pairs(automatic: Automatic) -> Account:
    parts = {
        "pairs judged automatically": automatic.found,
        "held out, or the judge's": -automatic.held_out,
        "judged by people": -automatic.judged,
        "without measured agreement": -automatic.unsure,
        "beyond prepare.automatic_share": -automatic.beyond,
    }
    return Account("automatic pairs that teach", parts, automatic.preferences.height)


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
    if "automatic" in summary:
        yield from _agreements(summary["automatic"])


def _agreements(automatic: Mapping[str, Any]) -> Iterator[str]:
    share = f"{automatic['share']:.1%} of the reward model's training weight"
    yield f"{'automatic pairs':24} {automatic['pairs']:,}, {share}"
    for name, found in automatic["annotators"].items():
        yield f"  {printable(name)}: {told(found)}"


def _list_of(title: str, counts: Mapping[str, int]) -> str:
    return f"{title:24} " + (", ".join(f"{count:,} {name}" for name, count in counts.items()) or "none")
