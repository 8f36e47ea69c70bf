"""How every stage starts and fails: one process a stage, expected errors as two plain lines, not as a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from components.disk import refused_by_disk
from components.errors import BusyError, RlhfError, StoppedError
from components.locks import exclusive_within, is_held
from components.stages.ending import STOPPED, end_at_once_when_told, end_with_parent
from components.stages.forgetting import before_stage
from components.workspace import STATE

#: How long a stage waits for another process of its own to end: one whose parent died needs until its step is made.
OTHER_S = 60.0
_LOCKS = STATE / "stages"


def run_stage(main: Callable[[], None], stage: str) -> None:
    """Run a stage's main; exit 1 with message and remedy on an expected failure, 75 where it was told to end."""
    end_at_once_when_told()
    end_with_parent()
    try:
        with alone(stage):
            before_stage(stage)
            main()
    except StoppedError as error:
        _say("stopped", error)
        sys.exit(STOPPED)
    except RlhfError as error:
        _say("error", error)
        sys.exit(1)
    except Exception as error:
        refused = refused_by_disk(error)
        if refused is None:
            raise
        _say("error", refused)
        sys.exit(1)


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Hold the stage in this workspace: two processes of it would write the same files.

    Raises:
        BusyError: another one holds it for a minute.
    """
    with ExitStack() as held:
        try:
            held.enter_context(exclusive_within(_LOCKS / f"{name}.lock", OTHER_S))
        except BlockingIOError:
            what = f"another process runs {name} in this workspace"
            raise BusyError(what, "wait until it has ended") from None
        yield


def at_work(root: Path) -> set[str]:
    """The stages that a process works at, be it on another machine that shares the folder."""
    # One of several processes holds a lock of its own, as ppo-1.
    return {lock.stem.partition("-")[0] for lock in (root / _LOCKS).glob("*.lock") if is_held(lock)}


def _say(what: str, error: RlhfError) -> None:
    print(f"{what}: {error.message}", file=sys.stderr)
    if error.remedy:
        print(f"remedy: {error.remedy}", file=sys.stderr)
