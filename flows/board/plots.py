"""The champion's figures over versions, drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from components.pages.plots import Draw, Plot, plot
from components.tracking.champion_figures import finite

#: By the name of a figure: its title and unit.
_SHOWN = {
    "win_rate_vs_sft": ("Win rate against its own SFT model, by the judge", "share of prompts"),
    "gold_win_rate_vs_sft": ("The same by the simulator's true utility", "share of prompts"),
    "accuracy": ("Reward model on held-out pairs", "ranked as people did"),
    "sequence_kl": ("Distance from its SFT model", "KL, nats an answer"),
}


def version_plots(versions: Sequence[dict[str, Any]]) -> list[Plot]:
    """A plot of each figure that any version has, over the versions that were in production."""
    return [
        plot(title, _words(title, name, versions), _draw(name, unit, versions))
        for name, (title, unit) in _SHOWN.items()
        if any(finite(version[name]) is not None for version in versions)
    ]


def _words(title: str, name: str, versions: Sequence[dict[str, Any]]) -> str:
    told = [f"version {version['version']}: {version[name]:.3g}" for version in _with(name, versions)]
    return f"{title}. {'; '.join(told)}."


def _with(name: str, versions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [version for version in versions if finite(version[name]) is not None]


def _draw(name: str, unit: str, versions: Sequence[dict[str, Any]]) -> Draw:
    shown = _with(name, versions)
    at, values = [int(version["version"]) for version in shown], [float(version[name]) for version in shown]

    def draw(axes: Any, scheme: Any) -> None:
        axes.plot(at, values, color=scheme.line, marker="o")
        for place, version in zip(at, shown, strict=True):
            low, high = version.get(f"{name}_ci") or (None, None)
            if finite(low) is not None and finite(high) is not None:
                axes.vlines(place, low, high, color=scheme.line, linewidth=1.5)
            if version["is_champion"]:
                axes.plot([place], [version[name]], "o", markersize=11, fillstyle="none", color=scheme.other)
        axes.set_xticks(at)
        axes.set_xlabel("version (ringed: champion)")
        axes.set_ylabel(unit)

    return draw
