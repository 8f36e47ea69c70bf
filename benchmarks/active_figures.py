"""Curves of accuracy against labels: differences paired by seed, labels needed for the same accuracy, a plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.stats import t

from benchmarks.table import aligned

Floats = npt.NDArray[np.float64]
#: By way to choose, a row a seed: accuracy after each number of labels.
Curves = Mapping[str, Sequence[Sequence[float]]]
BASE = "random"
RESAMPLES = 2000


def render(labels: Sequence[int], curves: Curves) -> str:
    """Accuracies with differences to random, and how many labels of each way reach what random reached at its end.

    Random itself stands among them: a curve that wavers is there before its end, and by chance alone.
    """
    found = {way: np.array(rows, dtype=np.float64) for way, rows in curves.items()}
    lines = aligned([["labels", *found], *_accuracies(labels, found)])
    if BASE in found:
        rest = {way: rows for way, rows in found.items() if way != BASE}
        lines += [
            "",
            "difference to random, points",
            *aligned([["labels", *rest], *_differences(labels, found)]),
        ]
        lines += ["", f"labels that reach what random reaches with {labels[-1]}"]
        lines += [f"{way}: {_needed(labels, found[BASE], rows)}" for way, rows in found.items()]
    return "\n".join(lines)


def _accuracies(labels: Sequence[int], found: Mapping[str, Floats]) -> list[list[str]]:
    means = [rows.mean(axis=0) for rows in found.values()]
    return [[str(count), *(f"{mean[at]:.1%}" for mean in means)] for at, count in enumerate(labels)]


def _differences(labels: Sequence[int], found: Mapping[str, Floats]) -> list[list[str]]:
    gaps = {way: rows - found[BASE] for way, rows in found.items() if way != BASE}
    each = [
        [str(count), *(told(gap[:, at]) for gap in gaps.values())]
        for at, count in enumerate(labels)
        if at > 0
    ]
    # The first accuracy is before any choice.
    return [*each, ["all rounds", *(told(gap[:, 1:].mean(axis=1)) for gap in gaps.values())]]


def told(gaps: Floats) -> str:
    """Mean in points and its 95 % interval over the seeds (Student's t of paired differences)."""
    lower, upper = interval(gaps)
    return f"{100 * gaps.mean():+.1f} [{100 * lower:+.1f}, {100 * upper:+.1f}]"


def interval(gaps: Floats) -> tuple[float, float]:
    """Of the mean of [seeds] differences; NaN for one seed."""
    if gaps.size < 2:
        return float("nan"), float("nan")
    half = float(t.ppf(0.975, gaps.size - 1) * gaps.std(ddof=1) / np.sqrt(gaps.size))
    return float(gaps.mean()) - half, float(gaps.mean()) + half


def _needed(labels: Sequence[int], base: Floats, rows: Floats) -> str:
    generator = np.random.default_rng(7)
    draws = [generator.integers(0, len(rows), len(rows)) for _ in range(RESAMPLES)]
    spread = [labels_needed(labels, rows[draw].mean(axis=0), base[draw].mean(axis=0)[-1]) for draw in draws]
    # Between two infinities there is nothing to interpolate.
    lower, upper = np.sort(spread)[[int(0.025 * RESAMPLES), int(0.975 * RESAMPLES)]]
    value = labels_needed(labels, rows.mean(axis=0), base.mean(axis=0)[-1])
    shown = [f"{each:.0f}" if np.isfinite(each) else "more" for each in (value, lower, upper)]
    return f"{shown[0]} [{shown[1]}, {shown[2]}]"


def labels_needed(labels: Sequence[int], curve: Floats, wanted: float) -> float:
    """Where a curve, drawn straight between its points, first reaches an accuracy; infinite where it never does."""
    for at, value in enumerate(curve):
        if value >= wanted:
            if at == 0:
                return float(labels[0])
            part = (wanted - curve[at - 1]) / (value - curve[at - 1])
            return float(labels[at - 1] + part * (labels[at] - labels[at - 1]))
    return float("inf")


def draw_curves(path: Path, labels: Sequence[int], curves: Curves) -> None:
    """Mean accuracy of each way against labels, each with a dash of its own."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for (way, rows), style in zip(curves.items(), ("-", "--", "-.", ":"), strict=False):
        axes.plot(labels, np.mean(rows, axis=0), style, label=way)
    axes.set(xlabel="labels", ylabel="accuracy on held-out pairs")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path)
