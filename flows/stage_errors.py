"""Why a stage did not end well, from the lines that DVC and the stage printed."""

from __future__ import annotations

import signal
from collections.abc import Sequence

from components.errors import RlhfError, StageFailedError, StoppedError
from components.stages.ending import STOPPED

#: In the words of a shell that gave its process to the stage, and of one that waited for it, as dash does.
_KILLED = (f"exited with {-signal.SIGKILL}", f"exited with {128 + signal.SIGKILL}")
GOES_ON = "`rlhf retrain` goes on where it stopped"


class StageCrashedError(StageFailedError):
    """A stage ended without words of its own: the message quotes the last line it printed."""


def stage_error(stage: str, lines: Sequence[str]) -> RlhfError:
    """The stage's own message and remedy where it printed them (components/stages/running.py)."""
    stopped = _said(lines, "stopped: ")
    if stopped and any(line.endswith(f"exited with {STOPPED}") for line in lines):
        return StoppedError(f"stage {stage} stopped: {stopped}", GOES_ON)
    if any(line.endswith(_KILLED) for line in lines):
        return StageFailedError(
            f"stage {stage} was killed (SIGKILL), by somebody or by the system for want of memory",
            f"{GOES_ON}; where memory was short, set train.microbatch_tokens lower in params.yaml",
        )
    message, remedy = _said(lines, "error: "), _said(lines, "remedy: ")
    hint = remedy or f"see the lines above; `dvc repro --single-item {stage}` runs it alone"
    if message:
        return StageFailedError(f"stage {stage} failed: {message}", hint)
    own_words = [line for line in lines if not line.startswith("ERROR: failed to reproduce")]
    return StageCrashedError(f"stage {stage} failed: {last_words(own_words)}", hint)


def _said(lines: Sequence[str], mark: str) -> str:
    return next((line.removeprefix(mark) for line in reversed(lines) if line.startswith(mark)), "")


def last_words(lines: Sequence[str]) -> str:
    """DVC's own complaint where it made one: behind it stands where to ask for help."""
    complaints = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return ([*lines, *complaints] or ["it said nothing"])[-1].strip()
