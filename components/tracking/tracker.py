"""The connection to MLflow: the server of MLFLOW_TRACKING_URI, or a database in the workspace."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.config import load_params
from components.errors import NotAllowedError, RegistryError
from components.files import write_text
from components.locks import exclusive
from components.tracking.answering import bound_requests, refuse_silent
from components.workspace import STATE

_LOGIN_REMEDY = (
    "log in as a user whose role may do this: MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD; "
    "who trains registers candidates, a reviewer promotes (deploy/mlflow-auth/README.md)"
)


@dataclass(frozen=True)
class Tracker:
    """Where runs and versions are kept.

    Attributes:
        client: an `mlflow.MlflowClient`.
        uri: of the tracking server or database.
        root: the project's folder.
        name: of the production model; the candidates' is `<name>-candidate`.
        experiment: id of the experiment that holds every run.
    """

    client: Any
    uri: str
    root: Path
    name: str
    experiment: str

    def model(self, kind: str) -> str:
        """Registered name of "candidate", "sft" or "reward"; of "champion" the production model's."""
        return self.name if kind == "champion" else f"{self.name}-{kind}"


def embedded_uri(root: Path) -> str:
    """The database that serves where no MLflow server is set."""
    return f"sqlite:///{root.resolve() / STATE / 'mlflow.db'}"


def artifact_location(root: Path) -> str:
    """Where the embedded database's runs keep their files."""
    return (root.resolve() / STATE / "mlartifacts").as_uri()


def tracking_uri(root: Path) -> str:
    return os.environ.get("MLFLOW_TRACKING_URI") or embedded_uri(root)


def is_embedded(tracker: Tracker) -> bool:
    return tracker.uri == embedded_uri(tracker.root)


def has_own_database(tracker: Tracker) -> bool:
    """Whether the registry at hand is this workspace's database: itself, or behind the server of `rlhf up`."""
    if is_embedded(tracker):
        return True
    place = tracker.client.get_experiment(tracker.experiment).artifact_location
    return str(place) == artifact_location(tracker.root)


def connect(root: Path) -> Tracker:
    """Connect, and make what is missing: the database, its tables, the experiment.

    Raises:
        RegistryError: MLflow cannot be reached.
    """
    uri, name = tracking_uri(root), load_params(root / "params.yaml").registry.name
    with mlflow_errors():
        client = open_client(root)
        return Tracker(client, uri, root, name, _experiment(client, uri, root, name))


def open_client(root: Path) -> Any:
    """An `mlflow.MlflowClient` of the server at hand; nothing is made there but a database's tables.

    Raises:
        RegistryError: MLflow cannot be reached.
    """
    uri = tracking_uri(root)
    with mlflow_errors():
        return _embedded_client(root, uri) if uri == embedded_uri(root) else _client(uri)


def without_login(text: str) -> str:
    """A text without the name and password that an address in it may bear."""
    return re.sub(r"(\w://)[^/@\s]*@", r"\1", text)


@contextmanager
def mlflow_errors() -> Iterator[None]:
    """Turn what MLflow raises into an error a person can act on."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        first_line = without_login(str(error).strip().splitlines()[0])
        if error.error_code in ("PERMISSION_DENIED", "UNAUTHENTICATED"):
            raise NotAllowedError(f"MLflow refuses: {first_line}", _LOGIN_REMEDY) from error
        raise RegistryError(
            f"MLflow: {first_line}",
            "check MLFLOW_TRACKING_URI and that its server runs, then give the command again: "
            "what was done before is kept",
        ) from error


def _client(uri: str) -> Any:
    import mlflow

    bound_requests()
    refuse_silent(uri)
    # What downloads artefacts asks the process for its server, not the client.
    mlflow.set_tracking_uri(uri)
    return mlflow.MlflowClient(tracking_uri=uri)


def _embedded_client(root: Path, uri: str) -> Any:
    """One process at a time makes or upgrades the tables: two at once crash."""
    import mlflow

    database, marker = root / STATE / "mlflow.db", root / STATE / "mlflow.version"
    if _is_current(marker, mlflow.__version__):
        return _client(uri)
    with exclusive(root / STATE / "mlflow.lock"):
        if database.exists() and not _is_current(marker, mlflow.__version__):
            _upgrade(uri)
        client = _client(uri)
        client.search_experiments(max_results=1)
        write_text(marker, mlflow.__version__)
        return client


def _is_current(marker: Path, version: str) -> bool:
    return marker.exists() and marker.read_text(encoding="utf-8") == version


def _upgrade(uri: str) -> None:
    command = [sys.executable, "-m", "mlflow", "db", "upgrade", uri]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RegistryError(
            without_login(f"the MLflow database {uri} cannot be upgraded: {done.stderr.strip()[-500:]}"),
            "move the file away to start anew, or restore the MLflow version that wrote it",
        )


def _experiment(client: Any, uri: str, root: Path, name: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    embedded = uri == embedded_uri(root)
    location = artifact_location(root) if embedded else None
    with exclusive(root / STATE / "mlflow.lock"):
        found = client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        return str(client.create_experiment(name, artifact_location=location))
