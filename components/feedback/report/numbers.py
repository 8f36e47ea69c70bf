"""All that the page of a batch says in numbers, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from components.feedback.manifest import Manifest
from components.feedback.report.describe import Figures, describe
from components.feedback.report.names import Masks

#: Annotators on the page and in the numbers, the busiest first.
MOST_ANNOTATORS = 50
#: What each annotator's signs are called in the figures of quality (quality/spam.py).
_SIGNS = ("gold", "gold_right", "seconds")


def batch_numbers(
    manifest: Manifest, quality: Mapping[str, Any], rows: pl.LazyFrame, people: pl.DataFrame
) -> Figures:
    """The numbers of a batch; annotators stand under pseudonyms.

    Args:
        quality: what the batch's quality.json holds, `figures` and `findings`; empty for a batch without rows.
        rows: of the batch, by the canonical schema; none of a rejected batch.
        people: who judged them (people.py).

    Returns:
        batch, file, format, created_at, status, automatic, why, next; events: what people did with it;
        counts, which close; reasons, tags: rows by code; rows: see describe.py;
        annotators: {annotator, judgements, share, reliability, gold, gold_right, seconds};
        kappa: {annotators, items, kappa} of pairs of annotators; findings; quality: its figures.
    """
    people = people.head(MOST_ANNOTATORS)
    masks = Masks(people["annotator"], quality)
    hidden = masks.hide(quality)
    findings = hidden.get("findings", [])
    figures = hidden.get("figures", {})
    return {
        "batch": manifest.batch,
        "file": manifest.file,
        "format": manifest.format,
        "created_at": manifest.created_at,
        "status": manifest.status,
        "why": [masks.hide_in(why) for why in _why(manifest, findings)],
        "next": _next(manifest),
        "events": list(manifest.events),
        "automatic": manifest.automatic,
        "counts": _counts(manifest),
        "reasons": dict(manifest.reasons),
        "tags": dict(manifest.tags),
        "rows": describe(rows),
        "annotators": [_person(person, figures, masks) for person in people.iter_rows(named=True)],
        "kappa": figures.get("agreement", {}).get("pairwise", {}).get("kappa", []),
        "findings": findings,
        "quality": figures,
    }


def _counts(manifest: Manifest) -> Figures:
    """`closes`: read = accepted + quarantined + duplicates + withdrawn."""
    parts = {
        "accepted": manifest.accepted,
        "quarantined": manifest.quarantined,
        "duplicates": manifest.duplicates,
        "withdrawn": manifest.withdrawn,
    }
    return {"read": manifest.read, **parts, "closes": manifest.read == sum(parts.values())}


def _why(manifest: Manifest, findings: list[Figures]) -> list[str]:
    """What decided the batch's fate, in sentences."""
    if manifest.status == "held":
        # Not the manifest's own words where there are others: they name people.
        holds = [finding for finding in findings if finding["action"] == "hold"]
        return [f"{finding['code']}: {finding['message']}" for finding in holds] or [manifest.message]
    if manifest.message:
        return [manifest.message]
    judged = ", judged automatically and by no person" if manifest.automatic else ""
    return [f"{manifest.accepted:,} of {manifest.read:,} rows were accepted{judged}"]


def _next(manifest: Manifest) -> str:
    """One line for the person who reads this."""
    batch = manifest.batch
    if manifest.status == "held":
        return (
            f"Read the findings below, then `rlhf feedback release {batch}`, or "
            f"`rlhf feedback refuse {batch} --why REASON`."
        )
    if manifest.status == "rejected":
        remedy = manifest.remedy or "mend the file"
        return f"{remedy[0].upper()}{remedy[1:]}, then ingest it again."
    if manifest.status != "accepted":
        return "Nothing: no future dataset holds this batch."
    if manifest.quarantined:
        return (
            f"Mend the refused rows in a copy of the file (`rlhf feedback quarantine {batch} --export csv` "
            f"lists them), then `rlhf feedback retry {batch}`. The accepted rows are in the dataset."
        )
    return "Nothing: the rows are in the dataset. `rlhf retrain` learns from them."


def _person(person: Mapping[str, Any], figures: Figures, masks: Masks) -> Figures:
    known = {row["annotator"]: row for row in figures.get("annotators", [])}
    signs = known.get(masks.of(person["annotator"]), {})
    return {
        **person,
        "annotator": masks.of(person["annotator"]),
        **{name: signs.get(name) for name in _SIGNS},
    }
