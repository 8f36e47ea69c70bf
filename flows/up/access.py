"""Who may reach the servers: this machine alone, unless passwords are set for everybody else.

Passwords stand in the environment and nowhere else: not in params.yaml, arguments, logs or .rlhf/up.json.
"""

from __future__ import annotations

import ipaddress
import os

#: What must be set before the servers listen to other machines, and what it is for.
REQUIRED = {
    "PREFECT_SERVER_API_AUTH_STRING": "Prefect's login, user:password",
    "MLFLOW_AUTH_CONFIG_PATH": "MLflow's basic auth, such as deploy/mlflow-auth/basic_auth.ini",
    "MLFLOW_FLASK_SERVER_SECRET_KEY": "signs MLflow's sessions; at least 32 characters at random",
    "MLFLOW_TRACKING_USERNAME": "as whom the deployments speak to MLflow",
    "MLFLOW_TRACKING_PASSWORD": "that user's password",
}
_WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 - to be told apart


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the host. A name other than localhost may be anything."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_wildcard(host: str) -> bool:
    return host in _WILDCARDS


def local_host(host: str) -> str:
    """Where processes on this machine find a server that listens at `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


def url_of(host: str, port: int) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}"


def missing_passwords() -> list[str]:
    """What is unset of REQUIRED, each with what it is for."""
    return [f"{name} ({purpose})" for name, purpose in REQUIRED.items() if not os.environ.get(name)]


def wants_mlflow_login() -> bool:
    """Whether MLflow asks for a login: on loopback too, once its users are configured."""
    return bool(os.environ.get("MLFLOW_AUTH_CONFIG_PATH"))
