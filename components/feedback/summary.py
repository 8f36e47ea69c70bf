"""What became of the feedback: the counts, for reports/prepare.json and for a person's eyes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypedDict

from components.feedback.prepared import Prepared
from components.feedback.splits import ROLES, SPLITS, Split


class Summary(TypedDict):
    """Counts; `used` is by table and split, preferences by role as well."""

    read: dict[str, int]
    comparisons: dict[str, int]
    dropped: dict[str, int]
    ties: int
    chosen_as_demonstrations: int
    used: dict[str, dict[str, int]]


def summarise(prepared: Prepared) -> Summary:
    used: dict[str, dict[str, int]] = {
        "demonstrations": _sizes(prepared.demonstrations),
        **{f"preferences_{role}": _preferences_of(role, prepared) for role in ROLES},
        "ratings": _ratings_of("rating", prepared),
        "thumbs": _ratings_of("thumbs", prepared),
        "prompts": _sizes(prepared.prompts),
    }
    pairs = [preference for split in SPLITS for preference in prepared.preferences[split]]
    return Summary(
        read=prepared.read,
        comparisons=prepared.comparisons,
        dropped=prepared.dropped,
        ties=sum(pair.probability == 0.5 for pair in pairs),
        chosen_as_demonstrations=prepared.chosen_as_demonstrations,
        used=used,
    )


def _sizes(table: Mapping[Split, Sequence[object]]) -> dict[str, int]:
    return {split: len(records) for split, records in table.items()}


def _preferences_of(role: str, prepared: Prepared) -> dict[str, int]:
    return {split: sum(pair.role == role for pair in pairs) for split, pairs in prepared.preferences.items()}


def _ratings_of(kind: str, prepared: Prepared) -> dict[str, int]:
    return {split: sum(rating.kind == kind for rating in found) for split, found in prepared.ratings.items()}


def as_text(summary: Summary) -> str:
    """The summary as one plain table."""
    return "\n".join(_lines(summary))


def _lines(summary: Summary) -> Iterator[str]:
    yield f"{'':24}" + "".join(f"{split:>12}" for split in SPLITS)
    for name, sizes in summary["used"].items():
        yield f"{name:24}" + "".join(f"{sizes[split]:>12,}" for split in SPLITS)
    yield _list_of("rows read", summary["read"])
    yield _list_of("comparisons", summary["comparisons"])
    yield _list_of("left out", summary["dropped"])
    yield f"{'ties among preferences':24} {summary['ties']:,}"
    yield f"{'chosen as demonstrations':24} {summary['chosen_as_demonstrations']:,}"


def _list_of(title: str, counts: Mapping[str, int]) -> str:
    return f"{title:24} " + (", ".join(f"{count:,} {name}" for name, count in counts.items()) or "none")
