"""TRL's own virtual environment: made once, from pinned versions, beside this file."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent
VENV = HERE / ".trl-venv"
CONSTRAINTS = HERE / "trl-constraints.txt"
PYTHON = VENV / "bin" / "python"
#: The last release with a PPOTrainer; the newest one has the fastest trainers for the rest.
PPO_VERSION = "1.12.0"
PPO_FOLDER = VENV / f"trl-{PPO_VERSION}"
#: Holds the constraints that the environment was made from.
INSTALLED = VENV / "installed.txt"


def ensure() -> Path:
    """Make the environment where it is missing or its pins have changed; returns its Python."""
    wanted = CONSTRAINTS.read_text()
    if not INSTALLED.exists() or INSTALLED.read_text() != wanted:
        print(f"installing TRL into {VENV} (once) ...", flush=True)
        venv.create(VENV, with_pip=True, clear=True)
        _pip("--requirement", str(CONSTRAINTS))
        _pip("--no-deps", "--target", str(PPO_FOLDER), f"trl=={PPO_VERSION}")
        INSTALLED.write_text(wanted)
    return PYTHON


def search_path(job: str) -> list[str]:
    """What goes before everything else on Python's path for TRL's side of a job."""
    return [str(PPO_FOLDER)] if job == "ppo" else []


def _pip(*arguments: str) -> None:
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
    if subprocess.run(command).returncode:
        sys.exit("TRL could not be installed; pip said why above")
