"""The project's folder as a place of work: where its own state lies, and who is at it."""

from __future__ import annotations

import getpass
import os
from pathlib import Path

#: Folder of the workspace's own state, below the project's root.
STATE = Path(".rlhf")


def current_user() -> str:
    """The name of the user of this process, or the number where it has none, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"
