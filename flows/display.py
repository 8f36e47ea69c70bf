"""What a person sees while stages run: a live bar on a terminal, plain lines in a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass

from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Column

from components.progress import Progress
from flows.pace import Pace
from flows.terminal import note, notes, plain, printable


@dataclass(frozen=True)
class StageRun:
    """What became of a stage: "ran", "up to date", or "restored" from DVC's cache of earlier runs."""

    stage: str
    status: str
    seconds: float


class Display:
    """Shows nothing: for a flow that a worker runs, whose words are in the run's log."""

    def started(self, stage: str) -> None: ...

    def line(self, text: str) -> None: ...

    def progress(self, progress: Progress) -> None: ...

    def finished(self, run: StageRun) -> None: ...


class PlainDisplay(Display):
    """Lines."""

    def __init__(self) -> None:
        self._pace = Pace()

    def started(self, stage: str) -> None:
        self._pace = Pace()
        note(f"{stage}: started")

    def line(self, text: str) -> None:
        note(text)

    def progress(self, progress: Progress) -> None:
        pace = self._pace.words(progress)
        note(f"{progress.line()}{pace and f' ({pace})'}")

    def finished(self, run: StageRun) -> None:
        note(f"{run.stage}: {run.status} ({run.seconds:.1f} s)")


class LiveDisplay(PlainDisplay):
    """One bar for the stage that runs; lines scroll above it."""

    def __init__(self, bars: Bars) -> None:
        super().__init__()
        self._bars = bars
        self._bar: TaskID | None = None

    def started(self, stage: str) -> None:
        self._pace = Pace()
        self._bar = self._bars.add_task(stage, total=None, pace="", figures="")

    def line(self, text: str) -> None:
        self._bars.console.print(plain(text, "dim"))

    def progress(self, progress: Progress) -> None:
        if self._bar is None:
            return
        figures = " ".join(f"{name} {value:.4g}" for name, value in progress.metrics.items())
        self._bars.update(
            self._bar,
            completed=progress.step,
            total=progress.total,
            pace=self._pace.words(progress),
            figures=printable(figures),
        )

    def finished(self, run: StageRun) -> None:
        if self._bar is not None:
            self._bars.remove_task(self._bar)
            self._bar = None
        super().finished(run)


#: What the command set; a flow finds it here.
_current: ContextVar[Display] = ContextVar("display")


def display() -> Display:
    return _current.get(Display())


@contextmanager
def on_terminal() -> Iterator[None]:
    """Show the stages that run in the block."""
    with _bars() if notes().is_terminal else nullcontext() as bars:
        token = _current.set(LiveDisplay(bars) if bars else PlainDisplay())
        try:
            yield
        finally:
            _current.reset(token)


def _bars() -> Bars:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[pace]}", markup=False),
        # On a narrow terminal the figures are what is cut.
        TextColumn("{task.fields[figures]}", markup=False, table_column=Column(ratio=1, no_wrap=True)),
    )
    return Bars(*columns, console=notes(), transient=True)
