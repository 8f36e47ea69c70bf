"""Metrics of each training step: a line now and then for people, a CSV of all for plots and MLflow, and live."""

from __future__ import annotations

import csv
import io
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from components.files import write_json, write_text
from components.live import live_steps
from components.progress import Progress
from components.stages.paths import metrics_file, steps_file

#: Lines printed over a stage's whole length, and more where steps are slow: the longest silence, in seconds.
LINES = 25
SILENCE_S = 20.0


#: What is to be said after a step, from the rows of metrics up to it.
Watch = Callable[[Sequence[Mapping[str, float]]], Iterable[str]]


class StepLog:
    """Call it as a training loop's `log`; then `write` the files that dvc.yaml declares.

    Args:
        stage: the stage's name in dvc.yaml.
        total: how many steps there will be.
        shown: the metrics worth a place in the printed line.
        watch: what must be said aloud after a step, from the metrics of all steps so far.

    Steps that tell of "tokens" have their number a second printed too, and nowhere kept: the same seed gives the same
    files.
    """

    def __init__(
        self, stage: str, total: int, shown: tuple[str, ...], watch: Watch = lambda rows: ()
    ) -> None:
        self.stage = stage
        self.watch = watch
        self.total = total
        self.shown = shown
        self.rows: list[dict[str, float]] = []
        self.prints = True
        self.live = live_steps(stage)
        self._tokens, self._since = 0.0, math.nan
        self._said = time.monotonic()

    def mute(self) -> None:
        """Keep the figures and print none: another process of the run does."""
        self.prints = False

    def __call__(self, metrics: Mapping[str, float], step: int) -> None:
        self.rows.append({"step": step, **metrics})
        self._count(metrics.get("tokens", 0.0))
        if self.prints:
            self.live.write(self.rows[-1])
        if self.prints and self._is_due(step):
            figures = {name: metrics[name] for name in self.shown} | self._pace()
            print(Progress(self.stage, step, self.total, figures).line(), flush=True)
        if self.prints:
            for said in self.watch(self.rows):
                print(said, flush=True)

    def _is_due(self, step: int) -> bool:
        """Whether this step has a line of its own."""
        now = time.monotonic()
        due = step == self.total or step % max(1, self.total // LINES) == 0 or now - self._said > SILENCE_S
        self._said = now if due else self._said
        return due

    def _count(self, tokens: float) -> None:
        if math.isnan(self._since):
            # Before the end of the first step models were loaded too: it tells nothing of the pace.
            self._since = time.monotonic()
        else:
            self._tokens += tokens

    def _pace(self) -> dict[str, float]:
        """Tokens a second since the last line, where the steps tell of tokens."""
        if not self._tokens:
            return {}
        now = time.monotonic()
        pace = self._tokens / max(now - self._since, 1e-9)
        self._tokens, self._since = 0.0, now
        return {"tokens/s": pace}

    def state(self) -> dict[str, Any]:
        return {"rows": self.rows}

    def restore(self, state: dict[str, Any]) -> None:
        self.rows = state["rows"]
        self.live.go_on()

    def mean_of_last(self, name: str, share: float = 0.1) -> float:
        """Mean of a metric over the last part of the run: less noise than its last value."""
        return self.mean_before(name, len(self.rows), len(self.rows), share)

    def mean_before(self, name: str, end: int, steps: int, share: float = 0.1) -> float:
        """Mean of a metric over the last part of the `steps` rows before row `end`.

        Steps at which it was not measured are left out; NaN where it never was.
        """
        count = max(1, round(share * steps))
        measured = [row[name] for row in self.rows[end - count : end] if math.isfinite(row[name])]
        return sum(measured) / len(measured) if measured else math.nan

    def write(self, metrics: Mapping[str, object]) -> None:
        """The steps as CSV, the final figures as JSON."""
        write_text(steps_file(self.stage), as_csv(self.rows))
        write_json(metrics_file(self.stage), {name: _known(figure) for name, figure in metrics.items()})


def as_csv(rows: Sequence[Mapping[str, object]]) -> str:
    """Rows of the same columns, under a header."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def _known(figure: object) -> object:
    """None for a number that is none: JSON has no such numbers, and the model has been made all the same."""
    return None if isinstance(figure, float) and not math.isfinite(figure) else figure


class LaterSteps:
    """A step log's continuation by one of several trainings, whose own steps start at 1 again."""

    def __init__(self, log: StepLog, done: int) -> None:
        self.log = log
        self.done = done

    def __call__(self, metrics: Mapping[str, float], step: int) -> None:
        self.log(metrics, self.done + step)

    def state(self) -> dict[str, Any]:
        return self.log.state()

    def restore(self, state: dict[str, Any]) -> None:
        self.log.restore(state)
