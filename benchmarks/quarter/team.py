"""The people and machines of the quarter: what they do, they do through the `rlhf` command and the inbox folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from components.feedback.sources.inbox import report_of

BIN = Path(sys.executable).parent
INBOX = "inbox"
REVIEWER, TRAINER = "ada", "pipeline"
#: Each look at the status costs seconds of a core.
LOOK_EVERY_S, LONGEST_S = 15.0, 1800.0


class Team:
    """One project folder, and what was said and done in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PREFECT_", "MLFLOW_", "DVC_"))
        }
        self.environment = kept | {
            "RLHF_AUTHOR": TRAINER,
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            # The clone's own code, whatever is installed.
            "PYTHONPATH": str(root),
        }

    def rlhf(self, *words: str, fine: tuple[int, ...] = (0,)) -> str:
        """Run a command; what it printed. Its exit status must be one of `fine`."""
        command = [sys.executable, "-m", "flows.cli", *words]
        ended = subprocess.run(command, cwd=self.root, env=self.environment, capture_output=True, text=True)
        if ended.returncode not in fine:
            said = f"{ended.stdout[-2000:]}\n{ended.stderr[-2000:]}"
            raise RuntimeError(f"rlhf {' '.join(words)} ended with {ended.returncode}:\n{said}")
        return ended.stdout

    def ask(self, *words: str, fine: tuple[int, ...] = (0,)) -> Any:
        """The JSON that a command prints: one object, or a list where it prints one a line."""
        lines = [json.loads(line) for line in self.rlhf(*words, "--json", fine=fine).splitlines()]
        return lines[0] if len(lines) == 1 else lines

    def deliver(self, files: list[Path]) -> list[dict[str, Any]]:
        """Put files into the inbox, and wait until each was taken; what became of them."""
        inbox = self.root / INBOX
        inbox.mkdir(exist_ok=True)
        for file in files:
            # Under another name until it is whole, as the inbox asks for.
            shutil.copy(file, inbox / f"{file.name}.part")
            (inbox / f"{file.name}.part").rename(inbox / file.name)
        return [self._taken(inbox, file.name) for file in files]

    def _taken(self, inbox: Path, name: str) -> dict[str, Any]:
        def report() -> dict[str, Any] | None:
            for folder in ("done", "failed"):
                path = report_of(inbox / folder / name)
                if path.exists():
                    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
                    return found
            return None

        return wait_for(report, f"the inbox takes {name}")

    def promote_by_tag(self, candidate: str) -> None:
        """Approve in MLflow, as its UI does, and wait until the reconciler has carried it out."""
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=self.mlflow)
        client.set_registered_model_tag("reviews", "approve", f"{candidate} {REVIEWER}")
        wait_for(
            lambda: (self.champion() or {}).get("candidate") == candidate or None,
            f"candidate {candidate} becomes champion",
        )

    def start(self) -> None:
        """`rlhf up`"""
        self.mlflow: str = self.ask("up")["mlflow"]

    def candidate(self) -> dict[str, Any] | None:
        return self.ask("status")["candidate"]

    def champion(self) -> dict[str, Any] | None:
        return self.ask("status")["champion"]


def wait_for(look: Any, what: str) -> Any:
    """What `look` returns once that is not None.

    Raises:
        TimeoutError: it never did.
    """
    deadline = time.monotonic() + LONGEST_S
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(LOOK_EVERY_S)
    raise TimeoutError(f"waited {LONGEST_S:.0f} s: {what}")
