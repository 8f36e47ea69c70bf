"""Under which licences the feedback was given, as far as its senders said so."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import polars as pl

from components.feedback.manifest import Manifest

NOT_STATED = "not stated"
#: How the hub spells a licence; what it cannot spell so it calls other, with a name.
_OF_THE_HUB = re.compile(r"[a-z0-9][a-z0-9.-]*")


def licence_of(manifest: Manifest) -> str:
    return manifest.licence or NOT_STATED


def licences_by_source(batches: Iterable[tuple[Manifest, pl.LazyFrame]]) -> dict[str, list[str]]:
    """Every source of these batches' rows, with the licences that its batches came under."""
    known = list(batches)
    columns = pl.collect_all([rows.select(pl.col("source").unique()) for _, rows in known])
    found: dict[str, set[str]] = {}
    for (manifest, _), column in zip(known, columns, strict=True):
        for source in column["source"]:
            found.setdefault(source, set()).add(licence_of(manifest))
    return {source: sorted(found[source]) for source in sorted(found)}


def front_matter_of(licences: Mapping[str, Collection[str]]) -> dict[str, Any]:
    """What the hub reads of the licences by source: one, a list of them, or unknown where one is not stated."""
    names = sorted({licence.lower() for found in licences.values() for licence in found})
    if not names or NOT_STATED in names:
        return {"license": "unknown"}
    if not all(map(_OF_THE_HUB.fullmatch, names)):
        return {"license": "other", "license_name": "; ".join(names)}
    return {"license": names[0] if len(names) == 1 else names}
