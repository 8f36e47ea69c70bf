"""The project's folder as a place of work: where its own state lies, and who is at it."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

#: Folder of the workspace's own state, below the project's root.
STATE = Path(".rlhf")


def current_user() -> str:
    """The name of the user of this process, or the number where it has none, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"


@contextmanager
def environment_of(values: Mapping[str, str]) -> Iterator[None]:
    """In the block, and for processes that are started in it, these variables are set; then they are as before."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
