"""What torchrun tells each process that it starts, without torch."""

from __future__ import annotations

import os


def is_one_of_several() -> bool:
    """Whether torchrun started this process with others."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1
