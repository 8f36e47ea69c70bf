"""Small figures for the report: drawn twice, for light and for dark pages, as PNG inside the page.

matplotlib's objects are used without pyplot, so that drawing leaves no state behind; its style is set to the
defaults meanwhile, so that a person's own settings do not change the bytes.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.evaluation.calibration import Calibration
from components.evaluation.intervals import Floats

WIDTH, HEIGHT, DPI = 4.4, 2.9, 180  # inches, dots an inch: sharp at about 420 CSS pixels
SMOOTH_FROM = 40  # steps from which a running mean says more than the points


@dataclass(frozen=True)
class Scheme:
    """Colours of a figure; they are those of report.css."""

    paper: str
    ink: str
    grid: str
    line: str


LIGHT = Scheme("#ffffff", "#1c2330", "#dde2ea", "#0a5cc2")
DARK = Scheme("#171c25", "#e4e8ef", "#343d4c", "#74b3ff")


@dataclass(frozen=True)
class Plot:
    """A figure ready for the page. Attributes: alt: what it shows, in words; light, dark: data URIs."""

    title: str
    alt: str
    light: str
    dark: str


#: Draws on a matplotlib Axes in the colours of a scheme.
Draw = Callable[[Any, Scheme], None]


def line_plot(title: str, x_label: str, steps: Sequence[float], values: Sequence[float]) -> Plot:
    """A metric over steps; where it was not measured (NaN) it is left out.

    Many steps are drawn faint, with their running mean on top.
    """
    measured = np.isfinite(values)
    x, y = np.asarray(steps, dtype=np.float64)[measured], np.asarray(values, dtype=np.float64)[measured]

    def draw(axes: Any, scheme: Scheme) -> None:
        (_points if x.size < SMOOTH_FROM else _running_mean)(axes, x, y, scheme.line)
        axes.set_xlabel(x_label)

    return _plot(title, _line_alt(title, x_label, x, y), draw)


def reliability_plot(title: str, calibration: Calibration) -> Plot:
    """Observed against predicted probability by bin; a dot's area is its bin's share of the pairs."""
    predicted = [row.predicted for row in calibration.bins]
    observed = [row.observed for row in calibration.bins]
    areas = [20 + 400 * row.weight for row in calibration.bins]
    alt = f"{title}: observed against predicted share in {len(predicted)} bins; ECE {calibration.ece:.3f}."

    def draw(axes: Any, scheme: Scheme) -> None:
        axes.plot([0, 1], [0, 1], color=scheme.ink, linewidth=1, linestyle="--")
        axes.plot(predicted, observed, color=scheme.line, linewidth=1)
        axes.scatter(predicted, observed, s=areas, color=scheme.line, alpha=0.75, linewidth=0)
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="predicted: first answer preferred", ylabel="observed")

    return _plot(title, alt, draw)


def _points(axes: Any, x: Floats, y: Floats, colour: str) -> None:
    axes.plot(x, y, color=colour, linewidth=1.8, marker="o", markersize=3)


def _running_mean(axes: Any, x: Floats, y: Floats, colour: str) -> None:
    window = x.size // 15
    smooth = np.convolve(y, np.ones(window) / window, mode="valid")
    axes.plot(x, y, color=colour, linewidth=0.8, alpha=0.35)
    middle = (window - 1) // 2
    axes.plot(x[middle : middle + smooth.size], smooth, color=colour, linewidth=1.8)


def _line_alt(title: str, x_label: str, x: Floats, y: Floats) -> str:
    if not x.size:
        return f"{title}: nothing was measured."
    first, last = (f"{y[place]:.3g} at {x_label} {x[place]:g}" for place in (0, -1))
    return f"{title}: from {first} to {last}; lowest {y.min():.3g}, highest {y.max():.3g}."


def _plot(title: str, alt: str, draw: Draw) -> Plot:
    return Plot(title, alt, light=_data_uri(draw, LIGHT), dark=_data_uri(draw, DARK))


def _data_uri(draw: Draw, scheme: Scheme) -> str:
    import matplotlib.style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.style.context("default"):
        figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, layout="constrained", facecolor=scheme.paper)
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        _dress(axes, scheme)
        draw(axes, scheme)
        content = io.BytesIO()
        # matplotlib would sign the file with its version.
        figure.savefig(content, format="png", metadata={"Software": None})
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode("ascii")


def _dress(axes: Any, scheme: Scheme) -> None:
    """Paper, ink and grid of the scheme; no frame but the two axes."""
    axes.set_facecolor(scheme.paper)
    axes.grid(color=scheme.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=scheme.ink, labelsize=9, length=0)
    axes.xaxis.label.set(color=scheme.ink, fontsize=10)
    axes.yaxis.label.set(color=scheme.ink, fontsize=10)
    for side, spine in axes.spines.items():
        spine.set(visible=side in ("left", "bottom"), color=scheme.grid)
