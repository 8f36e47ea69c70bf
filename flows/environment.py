"""The project's folder, and the variables by which servers are found: those of `rlhf up` where they answer, else
embedded ones. What a person has set stays as it is."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from components.errors import ConfigError
from components.workspace import STATE
from flows.up.finding import lasting_servers, login

#: Seconds between two signs of life of a flow run; who gives none for longer is dead (flows/up/zombies.py).
HEARTBEAT_S = 30


def find_root(start: Path) -> Path:
    """The nearest folder at or above `start` that holds params.yaml and dvc.yaml.

    Raises:
        ConfigError: there is none.
    """
    for folder in (start, *start.parents):
        if (folder / "params.yaml").is_file() and (folder / "dvc.yaml").is_file():
            return folder
    raise ConfigError(
        f"{start} is not inside a project: no folder above it holds params.yaml and dvc.yaml",
        "change into the folder of the project",
    )


def prepare_environment(root: Path, debug: bool = False) -> None:
    """Set the variables that Prefect, MLflow and DVC read, where they are unset. Before those are imported."""
    for name, value in _defaults(root, debug).items():
        os.environ.setdefault(name, value)
    # dvc.yaml says `python -m ...`: it must be this Python, also where no virtual environment is active.
    folders = os.environ.get("PATH", "").split(os.pathsep)
    here = str(Path(sys.executable).parent)
    if folders[0] != here:
        os.environ["PATH"] = os.pathsep.join([here, *folders])


def _defaults(root: Path, debug: bool) -> dict[str, str]:
    from components.tracking.tracker import embedded_uri

    return {
        "PREFECT_HOME": str(root / STATE / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        # Each pause is twice the one before: a server may be away for four minutes, and the run goes on.
        "PREFECT_CLIENT_MAX_RETRIES": "7",
        # The command speaks for itself; Prefect's own lines go to the run's log.
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "INFO" if debug else "CRITICAL",
        "DO_NOT_TRACK": "true",
        "DVC_NO_ANALYTICS": "true",
        # Bars of loading weights: in a run's log each of their steps would be a line.
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_LOGGING_LEVEL": "INFO" if debug else "WARNING",
        # Beside a server it says where each run lies, on stdout: not JSON.
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_S),
        **login(),
        "MLFLOW_TRACKING_URI": embedded_uri(root),
        **lasting_servers(root),
    }
