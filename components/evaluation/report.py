"""The reviewer's page: one HTML file that needs nothing beside it, and sends nothing anywhere.

Prompts and answers come out of feedback files and models: they are text here, whatever they look like.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from components.evaluation.answers import Sample, worst_first
from components.evaluation.calibration import Calibration
from components.evaluation.curves import training_plots
from components.evaluation.gates import Verdict
from components.evaluation.plots import Plot, reliability_plot
from components.evaluation.steps import StepTable
from components.evaluation.tables import models_table, paragraph, scorers_table, slices_table
from components.files import write_text

HERE = Path(__file__).parent
#: No script, no request, no form: a browser refuses them even if one came through.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
#: Turn the reading direction of what follows, so that a text reads as another.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def write_report(
    path: Path,
    *,
    metrics: Mapping[str, Any],
    verdict: Verdict,
    steps: Mapping[str, StepTable],
    samples: Sequence[Sample],
    shown: int,
    reliability: Mapping[str, Calibration],
) -> None:
    """Write the page atomically. The same arguments give the same bytes.

    Args:
        metrics: what reports/metrics.json holds.
        steps: per-step metrics by stage (`steps.read_all_steps`).
        samples: all answers compared; the page shows the `shown` largest losses of the policy.
        reliability: calibration by the name to show, such as "Reward model".
    """
    template = _environment().get_template("report.html.j2")
    page = template.render(
        policy=POLICY,
        style=Markup((HERE / "report.css").read_text(encoding="utf-8")),  # noqa: S704
        verdict=verdict.verdict,
        gates=sorted(verdict.gates, key=lambda gate: gate.passed),
        paragraph=paragraph(metrics),
        tables=_tables(metrics),
        plots=_plots(steps, reliability),
        samples=worst_first(samples)[:shown],
        tally=_tally(samples),
    )
    write_text(path, page)


def visible(text: str) -> str:
    """The text with a mark in place of what a reader could not see or could not trust.

    That is control characters, halves of surrogate pairs, and what turns the reading direction.
    """
    return "".join("\N{REPLACEMENT CHARACTER}" if _is_hidden(character) else character for character in text)


def _is_hidden(character: str) -> bool:
    if character in "\n\t":
        return False
    return character in _TURNING or unicodedata.category(character) in ("Cc", "Cs")


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: visible(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _tables(metrics: Mapping[str, Any]) -> list[Any]:
    found = (
        models_table(metrics),
        scorers_table(metrics),
        slices_table(metrics, "by_source", "The reward model's accuracy by source"),
        slices_table(metrics, "by_annotator", "The reward model's accuracy by annotator"),
        slices_table(metrics, "by_batch", "The reward model's accuracy by batch"),
    )
    return [table for table in found if table.rows]


def _plots(steps: Mapping[str, StepTable], reliability: Mapping[str, Calibration]) -> list[Plot]:
    calibrations = [
        reliability_plot(f"{name}: calibration", calibration)
        for name, calibration in reliability.items()
        if calibration.bins
    ]
    return training_plots(steps) + calibrations


def _tally(samples: Sequence[Sample]) -> dict[str, int]:
    """On how many prompts the policy's answer scores above the SFT model's, level with it, below it."""
    gains = [sample.gain for sample in samples]
    return {
        "prompts": len(gains),
        "won": sum(gain > 0 for gain in gains),
        "level": sum(gain == 0 for gain in gains),
        "lost": sum(gain < 0 for gain in gains),
    }
