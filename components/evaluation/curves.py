"""Which of the many per-step metrics the reviewer sees, and in what order."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from components.evaluation.plots import line_plot
from components.evaluation.steps import StepTable
from components.pages.plots import Plot

#: Stages in the order they run, and what a reader calls them.
STAGES = {
    "ppo": "PPO",
    "reward_model": "Reward model",
    "judge": "Judge",
    "sft": "SFT",
    "dpo": "DPO",
}
#: The metrics that tell whether a stage went well; the others are in DVC and MLflow.
SHOWN = {
    "score": "mean score",
    "kl": "KL from SFT, nats an answer",
    "length": "tokens an answer",
    "eos_rate": "share of answers that end themselves",
    "entropy": "entropy, nats a token",
    "loss": "loss",
    "accuracy": "accuracy on the batch",
    "margin": "margin",
}


def training_plots(steps: Mapping[str, StepTable]) -> list[Plot]:
    """A panel for each metric worth showing of each stage that left a table."""
    return [plot for stage in STAGES if stage in steps for plot in _stage_plots(stage, steps[stage])]


def _stage_plots(stage: str, table: StepTable) -> Iterator[Plot]:
    x_label = "iteration" if stage == "ppo" else "step"
    for metric, words in SHOWN.items():
        if any(map(math.isfinite, table.get(metric, []))):
            yield line_plot(f"{STAGES[stage]}: {words}", x_label, table["step"], table[metric])
