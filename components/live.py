"""The steps of a training as they come, in a file that outlives it: whoever watches reads them there, now or later.

A file is one attempt that began at the beginning; an attempt that goes on from a checkpoint goes on in it. Steps after
that checkpoint are then written twice, with equal values.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

#: Names the folder in which a stage writes its steps; unset, none are written.
FOLDER = "RLHF_LIVE_FOLDER"
#: Beside the figures of a step: when it was done, in milliseconds since 1970.
AT = "at_ms"


class LiveSteps:
    """Writes the steps of one stage. A disk that refuses ends the writing, never the training.

    Args:
        folder: of the stage's attempts; None: nothing is written.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._goes_on = False
        self._file: BinaryIO | None = None

    def go_on(self) -> None:
        """What follows belongs to the newest attempt: this process goes on from its checkpoint."""
        self._goes_on = True

    def write(self, figures: Mapping[str, float]) -> None:
        """One step; it is in the file when this returns, and on the disk when the system thinks fit."""
        if self._folder is None:
            return
        line = json.dumps({AT: int(time.time() * 1000), **figures}) + "\n"
        try:
            self._file = self._file or _open(self._folder, self._goes_on)
            self._file.write(line.encode("ascii"))
        except OSError:
            self._folder = None


def live_steps(stage: str) -> LiveSteps:
    """Those of a stage that somebody watches; else they are written nowhere."""
    folder = os.environ.get(FOLDER)
    return LiveSteps(Path(folder) / stage if folder else None)


def attempts(folder: Path) -> list[Path]:
    """The files of a stage's attempts, the newest last."""
    return sorted(folder.glob("*.jsonl"))


def _open(folder: Path, goes_on: bool) -> BinaryIO:
    folder.mkdir(parents=True, exist_ok=True)
    found = attempts(folder)
    if goes_on and found:
        file = found[-1].open("ab", buffering=0)
        # A line that a killed writer left torn must not swallow the next.
        file.write(b"\n")
        return file
    number = int(found[-1].name.partition("-")[0]) + 1 if found else 1
    return (folder / f"{number:06d}-{uuid.uuid4().hex}.jsonl").open("ab", buffering=0)
