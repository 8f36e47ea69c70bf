"""Small figures for pages: drawn twice, for light and for dark pages, as PNG inside the page.

matplotlib's objects are used without pyplot, so that drawing leaves no state behind; its style is set to the
defaults meanwhile, so that a person's own settings do not change the bytes.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT, DPI = 4.4, 2.9, 180  # inches, dots an inch: sharp at about 420 CSS pixels


@dataclass(frozen=True)
class Scheme:
    """Colours of a figure; they are those of page.css. Attributes: other: of what `line` is held against."""

    paper: str
    ink: str
    grid: str
    line: str
    other: str


LIGHT = Scheme("#ffffff", "#1c2330", "#dde2ea", "#0a5cc2", "#b8651b")
DARK = Scheme("#171c25", "#e4e8ef", "#343d4c", "#74b3ff", "#f0a860")


@dataclass(frozen=True)
class Plot:
    """A figure ready for the page. Attributes: alt: what it shows, in words; light, dark: data URIs."""

    title: str
    alt: str
    light: str
    dark: str


#: Draws on a matplotlib Axes in the colours of a scheme.
Draw = Callable[[Any, Scheme], None]


def plot(title: str, alt: str, draw: Draw) -> Plot:
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
