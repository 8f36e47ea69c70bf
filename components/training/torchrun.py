"""What torchrun tells each process that it starts, without torch."""

from __future__ import annotations

import os

_LAUNCHER = "RLHF_LAUNCHER"


def is_one_of_several() -> bool:
    """Whether torchrun started this process with others."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def be_launcher() -> None:
    """This process is going to run torchrun: each process that it starts is told its number."""
    os.environ[_LAUNCHER] = str(os.getpid())


def launcher() -> int:
    """The number of the process that runs torchrun; where it did not tell it, of the parent."""
    return int(os.environ.get(_LAUNCHER, os.getppid()))
