"""Which lasting servers of this workspace answer, as the variables that Prefect and MLflow read."""

from __future__ import annotations

import os
import time
from pathlib import Path

from flows.up.record import answers, read_record

#: The variable in which a client looks for each server's address, and what is added to that of its page.
_VARIABLES = {"prefect": ("PREFECT_API_URL", "/api"), "mlflow": ("MLFLOW_TRACKING_URI", "")}

#: A server that was killed is there again within half a minute.
PATIENCE_S = 60.0


def lasting_servers(root: Path) -> dict[str, str]:
    """Of the servers that `rlhf up` started; one that does not answer is left out, so its embedded twin serves.

    Both write the same databases: for MLflow it is no matter which of them a command uses.
    """
    record = read_record(root)
    if record is None:
        return {}
    return {
        variable: f"{record.programs[name].url}{path}"
        for name, (variable, path) in _VARIABLES.items()
        if name in record.programs and answers(record.programs[name])
    }


def wait_for_prefect(root: Path) -> str:
    """PREFECT_API_URL of the lasting server once it answers, where somebody sees to it that it does; "" after a minute.

    It may be at its start, or have too much to do. Another server beside it would fight with it for the database, and
    what happens there starts no deployment here.
    """
    deadline = time.monotonic() + PATIENCE_S
    while True:
        url = lasting_servers(root).get("PREFECT_API_URL", "")
        record = read_record(root)
        is_kept = record is not None and record.is_running and not record.ending
        if url or not is_kept or time.monotonic() > deadline:
            return url
        time.sleep(0.5)


def login() -> dict[str, str]:
    """Prefect's clients and its server call the same password differently."""
    password = os.environ.get("PREFECT_SERVER_API_AUTH_STRING")
    return {"PREFECT_API_AUTH_STRING": password} if password else {}
