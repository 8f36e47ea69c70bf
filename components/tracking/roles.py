"""Gives the users of an MLflow server with basic auth their roles: who trains may not promote.

The table of what each role may do is deploy/mlflow-auth/README.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.errors import RegistryError
from components.tracking.tracker import Tracker, mlflow_errors, without_login

ROLES = ("pipeline", "reviewer", "engineer", "reader")
_KINDS = ("candidate", "sft", "reward", "champion")
_API2, _API3 = "/api/2.0/mlflow/users", "/api/3.0/mlflow/users"


def has_roles(tracker: Tracker) -> bool:
    """Whether the registry is a server that asks who one is.

    Raises:
        RegistryError: the server does not answer.
    """
    return tracker.uri.startswith("http") and _ask(tracker, "GET", f"{_API2}/current").status_code != 404


def give_role(tracker: Tracker, role: str, user: str, password: str) -> bool:
    """Make the user, or take the user's former role away, and give this one; whether the user is new.

    The registered models are made first, by the administrator who runs this: their creator manages them.

    Raises:
        RegistryError: the server has no basic auth, or this login is not the administrator's.
    """
    if not has_roles(tracker):
        raise RegistryError(
            f"{without_login(tracker.uri)} does not ask who one is: it can keep no roles",
            "start it as deploy/mlflow-auth/README.md says (`mlflow server --app-name basic-auth`)",
        )
    with mlflow_errors():
        _make_models(tracker)
        is_new = _make_user(tracker, user, password)
        _grant(tracker, user, _grants(tracker, role))
    return is_new


def _make_models(tracker: Tracker) -> None:
    for name in map(tracker.model, _KINDS):
        if not tracker.client.search_registered_models(f"name = '{name}'"):
            tracker.client.create_registered_model(name)


def _make_user(tracker: Tracker, user: str, password: str) -> bool:
    answer = _ask(tracker, "POST", f"{_API2}/create", {"username": user, "password": password})
    if answer.status_code == 400 and "already exists" in answer.text:
        return False
    _expect_success(answer, f"making the user {user}")
    return True


def _grants(tracker: Tracker, role: str) -> Mapping[tuple[str, str], str]:
    """Permission by (type, name) of what a role may do beyond reading."""
    writes = {("experiment", tracker.experiment): "EDIT", ("run", "*"): "MANAGE"}
    if role == "pipeline":
        trained = ("candidate", "sft", "reward")
        return writes | {("registered_model", tracker.model(kind)): "EDIT" for kind in trained}
    if role == "reviewer":
        return writes | {("registered_model", tracker.name): "EDIT"}
    return {("trace", "*"): "EDIT"} if role == "engineer" else {}


def _grant(tracker: Tracker, user: str, grants: Mapping[tuple[str, str], str]) -> None:
    for kind, name in _everything(tracker):
        answer = _ask(tracker, "POST", f"{_API3}/permissions/revoke", _resource(user, kind, name))
        if answer.status_code != 404:
            _expect_success(answer, f"taking {kind} {name} from {user}")
    for (kind, name), permission in grants.items():
        body = _resource(user, kind, name) | {"permission": permission}
        answer = _ask(tracker, "POST", f"{_API3}/permissions/grant", body)
        _expect_success(answer, f"giving {user} {permission} on {kind} {name}")


def _everything(tracker: Tracker) -> set[tuple[str, str]]:
    models = {("registered_model", tracker.model(kind)) for kind in _KINDS}
    return models | {("experiment", tracker.experiment), ("run", "*"), ("trace", "*")}


def _resource(user: str, kind: str, name: str) -> dict[str, str]:
    return {"username": user, "resource_type": kind, "resource_id": name}


def _ask(tracker: Tracker, method: str, path: str, body: Mapping[str, str] | None = None) -> Any:
    # Not mlflow.server.auth.client: importing it asks for packages that only the server needs.
    from mlflow.tracking._tracking_service.utils import get_default_host_creds
    from mlflow.utils.rest_utils import http_request

    with mlflow_errors():
        return http_request(get_default_host_creds(tracker.uri), path, method, json=body)


def _expect_success(answer: Any, what: str) -> None:
    if answer.status_code >= 300:
        raise RegistryError(
            f"{what}: MLflow answered {answer.status_code} {answer.text.strip()[:200]}",
            "log in as the administrator: MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD",
        )
