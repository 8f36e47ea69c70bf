"""A few rows to look at: refused ones by their reasons, tagged ones by their tags."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import polars as pl

from components.feedback.reasons import REPEATS, Reason
from components.feedback.report.names import Masks

#: Examples of one reason or tag, of all of them, and characters of each text.
EACH, MOST, MOST_CHARS = 2, 12, 600
#: Refused rows that are looked at for examples: reasons that only come later are counted, not shown.
_LOOKED_AT = 10_000
#: Texts that were refused because of what they hold about people, or for how they act, are not shown again.
_WITHHELD = frozenset({Reason.PII, Reason.SECRET})
#: Fields of known formats that name a person.
_NAMES = re.compile(
    r'("(?:annotator|annotator_id|worker|user|user_id|rater|completed_by|email)"\s*:\s*)("(?:[^"\\]|\\.)*")'
)


@dataclass(frozen=True)
class Example:
    """A row. Attributes: code: reason or tag; note: what is wrong with it, or ""; texts: title -> text."""

    code: str
    line: int
    note: str
    texts: Mapping[str, str]


def refused_examples(quarantine: Iterable[Mapping[str, Any]], names: Iterable[str]) -> list[Example]:
    """Of the lines of rows.jsonl; people stand under pseudonyms.

    Args:
        names: of the annotators of accepted rows.
    """
    picked = list(_few_of_each(islice(quarantine, _LOOKED_AT)))
    said = [_name_of(match) for entry in picked for match in _NAMES.finditer(entry["raw"])]
    masks = Masks([*names, *filter(None, said)])
    return [_refused(entry, masks) for entry in picked]


def tagged_examples(rows: pl.LazyFrame) -> list[Example]:
    """Of accepted rows with a tag."""
    tagged = rows.filter(pl.col("tags").list.len() > 0).select("line", "tags", "prompt", "responses")
    by_tag = tagged.explode("tags").group_by("tags").head(EACH).sort("tags", "line").head(MOST)
    return [
        Example(row["tags"], row["line"], "", _texts(row["prompt"], row["responses"]))
        for row in by_tag.collect(engine="streaming").iter_rows(named=True)
    ]


def _few_of_each(entries: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    seen: dict[str, int] = {}
    for entry in entries:
        # A repeat is nothing to look at: its judgement is in the dataset.
        if entry["reason"] in REPEATS:
            continue
        seen[entry["reason"]] = seen.get(entry["reason"], 0) + 1
        if seen[entry["reason"]] <= EACH and sum(min(count, EACH) for count in seen.values()) <= MOST:
            yield entry


def _refused(entry: Mapping[str, Any], masks: Masks) -> Example:
    shown = "(withheld)" if entry["reason"] in _WITHHELD else _cut(_masked(entry["raw"], masks))
    return Example(entry["reason"], entry["line"], masks.hide_in(entry["message"]), {"As it came": shown})


def _masked(raw: str, masks: Masks) -> str:
    def hidden(match: re.Match[str]) -> str:
        name = _name_of(match)
        return match[0] if name is None else f'{match[1]}"{masks.of(name)}"'

    return masks.hide_cells(_NAMES.sub(hidden, raw))


def _name_of(match: re.Match[str]) -> str | None:
    try:
        return str(json.loads(match[2], strict=False))
    except ValueError:
        return None


def _texts(prompt: str, responses: list[str]) -> dict[str, str]:
    answers = {f"Answer {number}": _cut(text) for number, text in enumerate(responses, 1)}
    return {"Prompt": _cut(prompt), **answers}


def _cut(text: str) -> str:
    return (
        text
        if len(text) <= MOST_CHARS
        else f"{text[:MOST_CHARS]} […{len(text) - MOST_CHARS:,} more characters]"
    )
