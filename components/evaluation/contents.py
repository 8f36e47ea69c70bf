"""What the reviewer's page says, and its twins in Markdown and in JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.evaluation.answers import Sample, worst_first
from components.evaluation.calibration import Calibration
from components.evaluation.curves import selection_plots, training_plots
from components.evaluation.gate_result import GateResult
from components.evaluation.gates import Verdict
from components.evaluation.plots import reliability_plot
from components.evaluation.steps import StepTable
from components.evaluation.tables import (
    lessons_table,
    models_table,
    paragraph,
    scorers_table,
    slices_table,
    win_slices_table,
)
from components.pages.plots import Plot
from components.pages.table import Table


@dataclass(frozen=True)
class Shown:
    """A sample on the page. Attributes: row: its place in the data, from 0."""

    sample: Sample
    row: int


@dataclass(frozen=True)
class Contents:
    """Attributes:
    gates: the failed ones first.
    alarms: what PPO said aloud while it ran, a sentence each.
    shown: the policy's largest loss first.
    tally: over all samples, shown or not.
    """

    verdict: str
    gates: tuple[GateResult, ...]
    alarms: list[str]
    paragraph: str
    tables: list[Table]
    plots: list[Plot]
    shown: list[Shown]
    tally: dict[str, int]

    @property
    def failed(self) -> list[GateResult]:
        return [gate for gate in self.gates if not gate.passed]

    @property
    def sources(self) -> list[str]:
        """Where the prompts shown came from, in order."""
        return sorted({each.sample.source for each in self.shown} - {""})


def gather(
    metrics: Mapping[str, Any],
    verdict: Verdict,
    steps: Mapping[str, StepTable],
    samples: Sequence[Sample],
    shown: int,
    reliability: Mapping[str, Calibration],
) -> Contents:
    """Put together what is said. Arguments: as of `report.write_report`."""
    rows = {id(sample): row for row, sample in enumerate(samples)}
    return Contents(
        verdict=verdict.verdict,
        gates=tuple(sorted(verdict.gates, key=lambda gate: gate.passed)),
        alarms=_alarms(metrics),
        paragraph=paragraph(metrics),
        tables=_tables(metrics),
        plots=_plots(metrics, steps, reliability),
        shown=[Shown(sample, rows[id(sample)]) for sample in worst_first(samples)[:shown]],
        tally=_tally(samples),
    )


def _alarms(metrics: Mapping[str, Any]) -> list[str]:
    found = metrics.get("training", {}).get("alarms", [])
    return [f"From iteration {each['iteration']}: {each['says']}." for each in found]


def _tables(metrics: Mapping[str, Any]) -> list[Table]:
    found = (
        models_table(metrics),
        win_slices_table(metrics),
        scorers_table(metrics),
        lessons_table(metrics),
        slices_table(metrics, "by_source", "The reward model's accuracy by source"),
        slices_table(metrics, "by_annotator", "The reward model's accuracy by annotator"),
        slices_table(metrics, "by_batch", "The reward model's accuracy by batch"),
    )
    return [table for table in found if table.rows]


def _plots(
    metrics: Mapping[str, Any], steps: Mapping[str, StepTable], reliability: Mapping[str, Calibration]
) -> list[Plot]:
    calibrations = [
        reliability_plot(f"{name}: calibration", calibration)
        for name, calibration in reliability.items()
        if calibration.bins
    ]
    return selection_plots(metrics.get("selection")) + training_plots(steps) + calibrations


def _tally(samples: Sequence[Sample]) -> dict[str, int]:
    """On how many prompts the policy's answer scores above the SFT model's, level with it, below it."""
    outcomes = [sample.outcome for sample in samples]
    return {"prompts": len(outcomes), **{name: outcomes.count(name) for name in ("won", "level", "lost")}}
