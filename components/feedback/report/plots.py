"""The plots of a batch's page. What they write is of this project's words, or pseudonyms: no stranger's text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from components.feedback.report.describe import Figures
from components.pages.plots import Plot, Scheme, plot

#: Annotators in the picture of who agrees with whom, and bars in a picture.
MOST_PEOPLE, MOST_BARS = 10, 12
_KINDS = {"pairwise": "Votes on pairs", "thumbs": "Thumbs", "rating": "Ratings on their scale"}


def batch_plots(numbers: Figures) -> list[Plot]:
    """Those that the batch has something to show for (numbers.py)."""
    return list(_plots(numbers))


def _plots(numbers: Figures) -> Iterator[Plot]:
    rows = numbers["rows"]
    for kind, labels in rows["labels"].items():
        yield bars(_KINDS[kind], "votes", labels)
    if rows["lengths"]["preferred"]["count"]:
        yield lengths("Lengths of answers, preferred and other", rows["lengths"], ("preferred", "other"))
    elif rows["lengths"]["answers"]["count"]:
        yield lengths("Lengths of answers", rows["lengths"], ("answers",))
    trusted = [person for person in numbers["annotators"] if person["reliability"] is not None]
    if trusted:
        yield people("Annotators: how much they judged, how far they are right", trusted)
    if numbers["kappa"]:
        yield agreement("Agreement by pair of annotators (Cohen's kappa)", numbers["kappa"])
    if numbers["reasons"]:
        yield bars("Rows that were refused, by reason", "rows", numbers["reasons"])


def bars(title: str, unit: str, counts: Mapping[str, int]) -> Plot:
    """A bar for each name, the first on top; of many the first."""
    shown = dict(list(counts.items())[:MOST_BARS])
    alt = f"{title}, {unit}: " + ", ".join(f"{name} {count:,}" for name, count in shown.items()) + "."

    def draw(axes: Any, scheme: Scheme) -> None:
        drawn = axes.barh(list(shown), list(shown.values()), color=scheme.line, height=0.7)
        axes.bar_label(
            drawn, [f"{count:,}" for count in shown.values()], padding=3, color=scheme.ink, fontsize=9
        )
        axes.invert_yaxis()
        axes.margins(x=0.18)
        axes.locator_params(axis="x", nbins=4)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(unit)

    return plot(title, alt, draw)


def lengths(title: str, figures: Figures, names: Sequence[str]) -> Plot:
    """The share of texts by their length, on a scale that doubles."""
    medians = [f"{name} {figures[name]['median']:,.0f}" for name in names]
    alt = f"{title}, median characters: {', '.join(medians)}."

    def draw(axes: Any, scheme: Scheme) -> None:
        for name, colour in zip(names, (scheme.line, scheme.other), strict=False):
            found = figures[name]
            edges = [edge + 1 for edge, _ in found["bins"]]
            shares = [count / found["count"] for _, count in found["bins"]]
            # Down to zero on either side, or a single bin would be a point.
            edges, shares = [edges[0], *edges, edges[-1] * 2**0.5], [0.0, *shares, 0.0]
            axes.step(edges, shares, where="post", color=colour, linewidth=1.8, label=name)
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.set(xlabel="characters", ylabel="share", ylim=(0, None))
        if len(names) > 1:
            axes.legend(labelcolor=scheme.ink, facecolor=scheme.paper, edgecolor=scheme.grid, fontsize=9)

    return plot(title, alt, draw)


def people(title: str, found: Sequence[Figures]) -> Plot:
    """A dot for each annotator; 0.5 is a coin."""
    counts = [person["judgements"] for person in found]
    right = [person["reliability"] for person in found]
    alt = (
        f"{title}: {len(found)} annotators, reliability {min(right):.2f} to {max(right):.2f}, 0.5 is a coin."
    )

    def draw(axes: Any, scheme: Scheme) -> None:
        axes.axhline(0.5, color=scheme.ink, linewidth=1, linestyle="--")
        axes.scatter(counts, right, color=scheme.line, alpha=0.75, s=30, linewidth=0)
        axes.set(
            xlabel="judgements", ylabel="reliability", ylim=(min(0.4, *right) - 0.03, 1.0), xlim=(0, None)
        )

    return plot(title, alt, draw)


def agreement(title: str, kappas: Sequence[Figures]) -> Plot:
    """A square for each two annotators; empty where they share too little."""
    names = list(dict.fromkeys(name for couple in kappas for name in couple["annotators"]))[:MOST_PEOPLE]
    known = [
        couple for couple in kappas if couple["kappa"] is not None and set(couple["annotators"]) <= set(names)
    ]
    values = [couple["kappa"] for couple in known]
    extent = f"{min(values):.2f} to {max(values):.2f}" if values else "not measured"
    alt = f"{title}: {len(known)} pairs of annotators, kappa {extent}; 1 is always, 0 is chance."

    def draw(axes: Any, scheme: Scheme) -> None:
        for couple in known:
            row, column = sorted((names.index(name) for name in couple["annotators"]), reverse=True)
            share = min(1.0, max(0.0, couple["kappa"]))
            axes.scatter([column], [row], s=300, marker="s", color=scheme.line, alpha=0.15 + 0.6 * share)
            axes.text(
                column, row, f"{couple['kappa']:.2f}", ha="center", va="center", color=scheme.ink, fontsize=8
            )
        places, short = range(len(names)), [name.removeprefix("annotator-") for name in names]
        axes.set(xlim=(-0.6, len(names) - 0.4), ylim=(len(names) - 0.4, -0.6))
        axes.set_xticks(places, short, rotation=60, ha="right", fontsize=7)
        axes.set_yticks(places, short, fontsize=7)
        axes.grid(visible=False)

    return plot(title, alt, draw)
