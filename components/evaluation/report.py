"""The reviewer's page: one HTML file (components/pages/page.py)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from components.evaluation.answers import Sample, worst_first
from components.evaluation.calibration import Calibration
from components.evaluation.curves import training_plots
from components.evaluation.gates import Verdict
from components.evaluation.plots import reliability_plot
from components.evaluation.steps import StepTable
from components.evaluation.tables import (
    lessons_table,
    models_table,
    paragraph,
    scorers_table,
    slices_table,
)
from components.files import write_text
from components.pages.page import render_page
from components.pages.plots import Plot

TEMPLATE = Path(__file__).parent / "report.html.j2"


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
    page = render_page(
        TEMPLATE,
        verdict=verdict.verdict,
        gates=sorted(verdict.gates, key=lambda gate: gate.passed),
        paragraph=paragraph(metrics),
        tables=_tables(metrics),
        plots=_plots(steps, reliability),
        samples=worst_first(samples)[:shown],
        tally=_tally(samples),
    )
    write_text(path, page)


def _tables(metrics: Mapping[str, Any]) -> list[Any]:
    found = (
        models_table(metrics),
        scorers_table(metrics),
        lessons_table(metrics),
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
