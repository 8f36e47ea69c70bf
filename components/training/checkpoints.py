"""Checkpoints of a run, from which it goes on, to the last bit, as if it had never stopped."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from components.errors import ModelError, StoppedError, TrainingDivergedError
from components.files import replacing_directory
from components.training.state_files import State, read_state, write_state
from components.training.workers import Alone, Workers

#: How many are kept: the newest, and one before it in case the newest is damaged.
KEPT = 2


class Stateful(Protocol):
    """A part of a run that changes while it runs."""

    def state(self) -> State:
        """All that is needed to go on from here."""

    def restore(self, state: State) -> None:
        """Take over what `state` said."""


class Recoverable(Stateful, Protocol):
    """A part whose weights may turn out to be of no use."""

    @property
    def in_doubt(self) -> bool:
        """Whether the last update failed, so that these weights are not worth keeping."""

    @property
    def must_go_back(self) -> bool:
        """Whether so many failed in a row that the weights themselves must be to blame."""

    def moved_since(self, state: State) -> bool:
        """Whether any update was made since `state`."""

    def go_back(self, state: State) -> None:
        """Take over the weights of `state`, and remember that it came to this."""


Parts = Mapping[str, Stateful]


class Checkpoints:
    """The checkpoints of one run, in one folder.

    A run that resumes ends as one that was never stopped, whatever `seconds` is. One that went back because its
    gradients were not finite repeats itself only with `seconds` 0: which checkpoint is the newest is up to the clock.

    Args:
        folder: of this run alone: its name must change with its inputs and parameters. None: none are written.
        seconds: the least time between two; 0 writes one after each step.
        say: is told what a person should know.
        told_to_end: whether the process was told to end: then it does after its step, with a checkpoint.
        team: the processes of the run; they end together.
    """

    def __init__(
        self,
        folder: Path | None = None,
        seconds: float = 60.0,
        say: Callable[[str], None] = print,
        told_to_end: Callable[[], bool] = lambda: False,
        team: Workers | None = None,
    ) -> None:
        self.folder = folder
        self.seconds = seconds
        self.say = say
        self.told_to_end = told_to_end
        self._written = time.monotonic()
        self._writes = True
        self._team: Workers = team or Alone()
        self._helpers: Workers = Alone()

    def of_part(self, name: str) -> Checkpoints:
        """Those of one of several trainings that make up the run, in a folder of their own."""
        folder = None if self.folder is None else self.folder / name
        part = Checkpoints(folder, self.seconds, self.say, self.told_to_end, self._team)
        part._helpers, part._writes = self._helpers, self._writes
        return part

    def only_read(self) -> None:
        """Write none and say nothing: another process of the run does."""
        self._writes = False
        self.say = _say_nothing

    def gather_from(self, workers: Workers) -> None:
        """Every process gives its part of the state: all must know when the one that writes does."""
        self._helpers = workers

    def resume(self, parts: Parts) -> int:
        """Restore `parts` from the newest good checkpoint; returns the steps that were done, 0 without one.

        Raises:
            ModelError: it is a checkpoint of another run.
        """
        for step, path, state in self._good():
            _restore(parts, state, path)
            self.say(f"going on after step {step}, from {path}")
            return step
        if self._found():
            self.say("no checkpoint is good: starting from the beginning")
        return 0

    def after_step(self, step: int, parts: Parts, learners: Mapping[str, Recoverable]) -> None:
        """Go back where a learner must; write a checkpoint if the last is old enough and no learner is in doubt.

        Args:
            learners: those of `parts` that can go back; they go together.

        Raises:
            TrainingDivergedError: there is nothing to go back to.
            StoppedError: a process of the run was told to end; the checkpoint is written, whatever `seconds` is.
        """
        if any(learner.must_go_back for learner in learners.values()):
            self._go_back(learners)
            # No writing now: other processes of this run may still be reading.
            return
        in_doubt = any(learner.in_doubt for learner in learners.values())
        ends = self._team.any_says(self.told_to_end())
        is_due = self._writes and (ends or time.monotonic() - self._written >= self.seconds)
        if self.folder is not None and not in_doubt and self._helpers.any_says(is_due):
            state = {name: part.state() for name, part in parts.items()}
            if is_due:
                self._write(self.folder, step, state)
        if ends:
            self._end(step)

    def _end(self, step: int) -> None:
        # Together: the first to go would have the others ended, and one of them writes.
        self._team.wait()
        newest = next((number for number, _ in self._found()), 0)
        kept = f"the checkpoint of step {newest} is kept" if newest else "no checkpoint could be kept"
        raise StoppedError(f"told to end after step {step}: {kept}", "start it again: it goes on from there")

    def _write(self, folder: Path, step: int, state: State) -> None:
        try:
            with replacing_directory(folder / f"step-{step:08d}") as staged:
                write_state(staged, state)
            self._sweep(folder, step)
        except OSError as error:
            # Hours of training are worth more than a way back to them.
            self.say(f"no checkpoint after step {step}: {error}; the run goes on without it")
        self._written = time.monotonic()

    def _go_back(self, learners: Mapping[str, Recoverable]) -> None:
        """Restore learners from the newest checkpoint with other weights than theirs; data and randomness go on."""
        chosen: tuple[Path, State] | None = None
        for _, path, state in self._good():
            chosen = chosen or (path, state)
            if any(learner.moved_since(state[name]) for name, learner in learners.items()):
                chosen = (path, state)
                break
        if chosen is None:
            raise TrainingDivergedError(
                "DIVERGED: gradients were not finite several times in a row, "
                "and there is no checkpoint to go back to",
                "lower the learning rate of this stage in params.yaml",
            )
        path, state = chosen
        for name, learner in learners.items():
            learner.go_back(state[name])
        self.say(f"gradients were not finite several times in a row: going back to the weights of {path}")

    def _good(self) -> Iterator[tuple[int, Path, State]]:
        """The undamaged checkpoints, the newest first; says which are damaged."""
        for step, path in self._found():
            try:
                yield step, path, read_state(path)
            except ModelError as error:
                self.say(f"{error.message}; not used")

    def _found(self) -> list[tuple[int, Path]]:
        """All checkpoints, the newest first."""
        if self.folder is None:
            return []
        paths = [path for path in self.folder.glob("step-*") if path.name[5:].isdecimal()]
        return sorted(((int(path.name[5:]), path) for path in paths), reverse=True)

    def _sweep(self, folder: Path, step: int) -> None:
        """Keep the newest up to `step`: later ones were damaged, or the run would have gone on from them."""
        kept = [path for number, path in self._found() if number <= step][:KEPT]
        for path in folder.iterdir():
            if path not in kept:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _restore(parts: Parts, state: State, path: Path) -> None:
    if state.keys() != parts.keys():
        raise ModelError(f"{path} is of another run: it holds {sorted(state)}, not {sorted(parts)}")
    for name, part in parts.items():
        part.restore(state[name])


def _say_nothing(message: str) -> None:
    pass
