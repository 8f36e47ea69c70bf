"""The steps of a process at which the disk changes, and death at one of them."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from pathlib import Path

CHANGES = {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.truncate"}
#: What differs from one run to the next in the names of files.
_RANDOM = re.compile(r"[0-9a-f]{16,}|tmp\w{8}\b")
_NUMBER = re.compile(r"\d{5,}")


class Steps:
    """Counts what is changed below `root`, says what it is, and dies at one of them.

    Args:
        deadly: the number of the step, from 1, before which the process kills itself; 0: it lives.
    """

    def __init__(self, root: Path | str, deadly: int) -> None:
        self.root, self.deadly = str(root), deadly
        self.seen: list[str] = []

    def watch_disk(self) -> None:
        """Count from now on. It lasts as long as the process: an audit hook cannot be removed."""
        sys.addaudithook(self.on_event)

    def take(self, what: str) -> None:
        """One more step."""
        self.seen.append(what)
        if len(self.seen) == self.deadly:
            os.write(1, f"{json.dumps(what)}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)

    def on_event(self, event: str, arguments: tuple[object, ...]) -> None:
        if event not in CHANGES and not (event == "open" and writes(arguments[2])):
            return
        path = arguments[0]
        if isinstance(path, str | os.PathLike):
            whole = os.path.abspath(os.fspath(path))  # noqa: PTH100 - Path.resolve would itself look at the disk
            if isinstance(whole, str) and whole.startswith(self.root):
                self.take(f"{event} {os.path.relpath(whole, self.root)}")


def writes(flags: object) -> bool:
    """Whether a file that is opened with these flags may change."""
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def named(steps: list[str]) -> dict[str, int]:
    """The number of the first step of each name, without what is random in it."""
    found: dict[str, int] = {}
    for number, step in enumerate(steps, start=1):
        found.setdefault(_NUMBER.sub("N", _RANDOM.sub("*", step)), number)
    return found
