"""What is done to a stage's process, from inside, before it runs."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.fault_injection.steps import Steps

#: Where a stage that is asked to tells of the changes it made to the disk.
CHANGES_FILE = "changes.json"


@contextmanager
def hurting(
    folder: Path, dies_at: int = 0, tells_changes: bool = False, broken: str = "", clock: float = 0.0
) -> Iterator[None]:
    """Hurt the stage that runs in the block.

    Args:
        dies_at: SIGKILL, by itself, before this change of the disk; see `Steps`.
        tells_changes: writes all changes to CHANGES_FILE in the end.
        broken: the name of a broken writer: a control, which the suite must find out.
        clock: seconds that the wall clock of this process is off.
    """
    if broken:
        BROKEN[broken]()
    if clock:
        _shift_clock(clock)
    steps = Steps(folder, dies_at)
    if dies_at or tells_changes:
        steps.watch_disk()
    try:
        yield
    finally:
        if tells_changes:
            changes = list(steps.seen)
            (folder / CHANGES_FILE).write_text(json.dumps(changes))


def _shift_clock(seconds: float) -> None:
    real, real_ns = time.time, time.time_ns
    time.time = lambda: real() + seconds
    time.time_ns = lambda: real_ns() + int(seconds * 1e9)


def _write_in_place() -> None:
    """A folder is filled where it is read: a kill leaves half of the new one among the old."""
    from components import files

    @contextmanager
    def in_place(path: Path) -> Iterator[Path]:
        path.mkdir(parents=True, exist_ok=True)
        yield path

    _replace_everywhere(files.replacing_directory, in_place)


def _believe_any_checkpoint() -> None:
    """A checkpoint is read without a look at its digests: safetensors loads a flipped bit without a word."""
    from components.files import read_json
    from components.training import state_files

    def believing(folder: Path) -> Any:
        tensors = state_files.load_file(folder / state_files.TENSORS)
        clones = {name: tensor.clone() for name, tensor in tensors.items()}
        return state_files._attach(read_json(folder / state_files.FACTS), clones)

    _replace_everywhere(state_files.read_state, believing)


def _forget_randomness() -> None:
    """The dice of a resumed run are thrown from the beginning."""
    from components.training.randomness import Generator

    Generator.restore = lambda self, state: None  # type: ignore[method-assign]


def _never_tell() -> None:
    """SIGTERM is heard by nobody."""
    from components.stages import ending

    ending._listen = lambda hear: None


def _keep_leftovers() -> None:
    """What a killed writer left is never swept."""
    from components import files

    files._sweep = lambda leftovers, *, ignore_errors: None
    shutil.rmtree = lambda *args, **options: None


def _replace_everywhere(old: Callable[..., Any], new: Callable[..., Any]) -> None:
    """In every module that has imported it."""
    import sys

    for module in list(sys.modules.values()):
        for name, value in list(vars(module).items()) if module is not None else ():
            if value is old:
                setattr(module, name, new)


BROKEN: dict[str, Callable[[], None]] = {
    "writes in place": _write_in_place,
    "believes any checkpoint": _believe_any_checkpoint,
    "forgets the dice": _forget_randomness,
    "does not hear SIGTERM": _never_tell,
    "sweeps nothing": _keep_leftovers,
}
