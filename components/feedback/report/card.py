"""The data card: what the whole dataset is, in Markdown as the Hugging Face hub reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import yaml

from components.feedback.automatic.agreement import told
from components.feedback.manifest import Manifest
from components.feedback.report.describe import OTHERS, UNKNOWN, Figures
from components.feedback.report.licences import NOT_STATED, front_matter_of, licence_of
from components.feedback.splits import ROLES
from components.pages.markdown import plain, table

_SIZES = (
    ("n<1K", 10**3),
    ("1K<n<10K", 10**4),
    ("10K<n<100K", 10**5),
    ("100K<n<1M", 10**6),
    ("1M<n<10M", 10**7),
)
_TASKS = ["text-generation", "reinforcement-learning"]


def data_card(
    manifests: Sequence[Manifest], figures: Figures, name: str, licences: Mapping[str, Sequence[str]]
) -> str:
    """The card, in Markdown with a front matter. The same arguments give the same text.

    Args:
        manifests: of all batches, whatever became of them.
        figures: see dataset.py.
        name: of the dataset.
        licences: of every source, as licences.py.
    """
    return "\n".join(
        [
            *_front_matter(name, figures, licences),
            f"# {plain(name)}",
            "",
            *_about(manifests, figures),
            *_content(figures),
            *_people(figures),
            *_automatic(figures["automatic"]),
            *_sides(figures),
            *_batches(manifests),
            *_issues(manifests),
            *_sources(figures, licences),
        ]
    )


def _front_matter(name: str, figures: Figures, licences: Mapping[str, Sequence[str]]) -> list[str]:
    """As huggingface.co/docs/hub/datasets-cards: read by machines, so written by a library."""
    languages = sorted(code for code in figures["languages"] if code not in (OTHERS, UNKNOWN))
    content: dict[str, Any] = {
        "pretty_name": name,
        **front_matter_of(licences),
        "task_categories": _TASKS,
        "tags": ["rlhf", "human-feedback", *sorted(figures["kinds"])],
        "size_categories": [next((size for size, most in _SIZES if figures["rows"] < most), "n>10M")],
    }
    if languages:
        content["language"] = languages
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=False)
    return ["---", *text.splitlines(), "---", ""]


def _about(manifests: Sequence[Manifest], figures: Figures) -> Iterator[str]:
    accepted = [
        manifest for manifest in manifests if manifest.status == "accepted" and not manifest.automatic
    ]
    yield (
        f"{figures['rows']:,} rows of what people said about a language model's answers to {figures['prompts']:,} "
        f"prompts, out of {len(accepted):,} batches. Each row passed the checks of ingestion; what did not is counted "
        "below and not part of this."
    )
    yield ""
    dates = sorted(manifest.created_at[:10] for manifest in accepted)
    if dates:
        yield f"Batches came in from {plain(dates[0])} to {plain(dates[-1])}."
        yield ""


def _content(figures: Figures) -> Iterator[str]:
    yield "## What is in it"
    for title, counts in (("kind", "kinds"), ("source", "sources"), ("language", "languages")):
        yield ""
        yield from table([title, "rows"], figures[counts].items())
    yield ""
    for kind, labels in figures["labels"].items():
        shares = ", ".join(f"{name} {_share(count, labels)}" for name, count in labels.items())
        yield f"- Votes of kind {kind}: {shares}."
    longer = figures["longer"]
    if longer["votes"]:
        yield f"- The longer answer is preferred in {longer['share']:.1%} of {longer['votes']:,} decided votes."
    for name, found in figures["lengths"].items():
        if found["count"]:
            yield f"- Median length of {name}: {found['median']:,.0f} characters."
    yield ""


def _people(figures: Figures) -> Iterator[str]:
    people = figures["annotators"]
    yield "## Who judged"
    yield ""
    yield f"- {people['named']:,} people with a name; names are not part of this card."
    if people["largest_share"] is not None:
        yield f"- One of them gave {people['largest_share']:.1%} of the judgements, which is the largest share."
    for what in ("judgements", "reliability"):
        if people[what]:
            low, middle, high = people[what]
            spread = f"median {middle:,.3g}, eight in ten from {low:,.3g} to {high:,.3g}"
            yield f"- {what.capitalize()} of a person: {spread}."
    for kind, found in figures["agreement"].items():
        if found["items"]:
            yield f"- Items of kind {kind} judged more than once: {found['items']:,}; {_agreement(found)}."
    yield ""


def _agreement(found: Figures) -> str:
    alpha = "not defined" if found["alpha"] is None else f"{found['alpha']:.2f}"
    shared = (
        f"two votes agree {found['agreement']:.1%} of the time, "
        if found.get("agreement") is not None
        else ""
    )
    return f"{shared}Krippendorff's alpha is {alpha}"


def _automatic(automatic: Figures) -> Iterator[str]:
    """Nothing where people judged everything."""
    if automatic:
        yield "## Judged automatically"
        yield ""
        yield (
            f"{automatic['rows']:,} rows more, which no person judged: figures of batches and known issues count them, "
            "and nothing else in this card does. Each "
            "annotator teaches the reward model as far as it agrees with people on training pairs that both judged, "
            "and tests nothing."
        )
        yield ""
        yield from (f"- {plain(name)} {told(found)}." for name, found in automatic["annotators"].items())
        yield ""


def _sides(figures: Figures) -> Iterator[str]:
    yield "## Splits"
    yield ""
    yield (
        "A prompt's text alone decides its split, for good: a hash of it after NFKC, case folding and joining of "
        "spaces. All that was said about a prompt is on its side, whatever comes later."
    )
    yield ""
    rows = [[split, *roles.values()] for split, roles in figures["splits"].items()]
    yield from table(["prompts", *(f"for the {role} model" for role in ROLES)], rows)
    yield ""


def _batches(manifests: Sequence[Manifest]) -> Iterator[str]:
    yield "## Batches"
    yield ""
    header = ["batch", "status", "read", "accepted", "quarantined", "duplicates", "withdrawn", "licence"]
    yield from table(
        header,
        (
            [
                made.batch,
                f"{made.status}, automatic" if made.automatic else made.status,
                made.read,
                made.accepted,
                made.quarantined,
                made.duplicates,
                made.withdrawn,
                licence_of(made),
            ]
            for made in manifests
        ),
    )
    yield ""


def _issues(manifests: Iterable[Manifest]) -> Iterator[str]:
    """What a user of the data should know: marks on rows and batches that are in it, and what is not in it."""
    yield "## Known issues"
    yield ""
    known = list(manifests)
    within = [manifest for manifest in known if manifest.status == "accepted"]
    tags: Counter[str] = sum((Counter(manifest.tags) for manifest in within), Counter())
    refused: Counter[str] = sum((Counter(manifest.reasons) for manifest in known), Counter())
    lines = [
        *(f"Rows tagged {plain(tag)}: {count:,}." for tag, count in sorted(tags.items())),
        *(
            f"Rows refused as {plain(code)}, and so not in here: {count:,}."
            for code, count in sorted(refused.items())
        ),
        *_findings(within),
        *(
            f"Not in here: {plain(made.batch)}, {made.status}{_codes(made)}."
            for made in known
            if made not in within
        ),
    ]
    yield from (f"- {line}" for line in lines or ["None that the checks of ingestion know of."])
    yield ""


def _findings(within: Iterable[Manifest]) -> Iterator[str]:
    """By code and remedy, and not by message: that may name a person."""
    for made in within:
        found = Counter((str(finding["code"]), str(finding.get("remedy", ""))) for finding in made.findings)
        for (code, remedy), count in found.items():
            times = f", {count:,} times" if count > 1 else ""
            yield f"{plain(code)} in {plain(made.batch)}{times}. To do: {plain(remedy)}."


def _codes(manifest: Manifest) -> str:
    """What held or rejected it, by codes: messages, and what people wrote, may name somebody."""
    found = [finding["code"] for finding in manifest.findings] or list(manifest.reasons)
    return f" ({', '.join(map(plain, found))})" if found and manifest.status != "withdrawn" else ""


def _sources(figures: Figures, licences: Mapping[str, Sequence[str]]) -> Iterator[str]:
    yield "## Sources and licences"
    yield ""
    known = (source for source in figures["sources"] if source != OTHERS)
    rows = ([source, "; ".join(licences.get(source, [NOT_STATED]))] for source in known)
    yield from table(["source", "licence"], rows)
    yield ""
    yield (
        f"Where it is {NOT_STATED}, ask whoever sent the batch before the data, or a model of it, leaves the house. A "
        "sender states it in FILE.declared.json beside the file."
    )
    yield ""


def _share(count: int, counts: Mapping[str, int]) -> str:
    return f"{count / max(1, sum(counts.values())):.1%}"
