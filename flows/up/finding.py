"""Which lasting servers of this workspace answer, as the variables that Prefect and MLflow read."""

from __future__ import annotations

import os
from pathlib import Path

from flows.up.record import answers, read_record

#: The variable in which a client looks for each server's address, and what is added to that of its page.
_VARIABLES = {"prefect": ("PREFECT_API_URL", "/api"), "mlflow": ("MLFLOW_TRACKING_URI", "")}


def lasting_servers(root: Path) -> dict[str, str]:
    """Of the servers that `rlhf up` started; one that does not answer is left out, so its embedded twin serves.

    Both write the same databases, so it is no matter which of them a command uses.
    """
    record = read_record(root)
    if record is None:
        return {}
    return {
        variable: f"{record.programs[name].url}{path}"
        for name, (variable, path) in _VARIABLES.items()
        if name in record.programs and answers(record.programs[name])
    }


def login() -> dict[str, str]:
    """Prefect's clients and its server call the same password differently."""
    password = os.environ.get("PREFECT_SERVER_API_AUTH_STRING")
    return {"PREFECT_API_AUTH_STRING": password} if password else {}
