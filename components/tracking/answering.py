"""Whether an MLflow server answers at all, found out in seconds; and how long each later request may take."""

from __future__ import annotations

import os
from typing import Any

from components.errors import RegistryError

#: MLflow's own bounds are two minutes a request and seven more tries: half an hour where a server hangs.
BOUNDS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
}
#: Seconds for the first answer, and how often it is asked for again: a restart takes some.
TIMEOUT_S, TRIES = 5, 2


def bound_requests() -> None:
    """Give up on a server in minutes; what a person has set stays."""
    for name, value in BOUNDS.items():
        os.environ.setdefault(name, value)


def refuse_silent(uri: str) -> None:
    """Ask a server whether it is there.

    Raises:
        RegistryError: it cannot be reached, hangs, or answers with errors.
    """
    if not uri.startswith(("http://", "https://")):
        return
    status = _ask(uri)
    # Whatever it says of that path, one that answers is there: not every server knows it.
    if status is None or status >= 500:
        from components.tracking.tracker import without_login

        how = "does not answer" if status is None else f"answers with errors ({status})"
        raise RegistryError(
            f"MLflow at {without_login(uri)} {how}",
            "check MLFLOW_TRACKING_URI and that its server runs, then give the command again: "
            "what was done before is kept",
        )


def _ask(uri: str) -> int | None:
    from mlflow.exceptions import MlflowException
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import http_request

    options: dict[str, Any] = {"timeout": TIMEOUT_S, "max_retries": TRIES, "backoff_factor": 1}
    try:
        asked = http_request(get_default_host_creds(uri), "/health", "GET", raise_on_status=False, **options)
        return int(asked.status_code)
    except MlflowException:
        return None
