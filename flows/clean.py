"""Cleaning the workspace: nobody else is at work in it, or changes its champion, meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.cleaning.cleaning import Cleaned, OnItem, clean, look
from components.config import load_params
from components.config.retention import RetentionParams
from components.errors import BusyError
from components.locks import exclusive
from components.stages.running import at_work
from components.workspace import STATE
from flows.dvc_users import COMMANDS, users
from flows.locks import retraining

_REMEDY = "wait until it has ended, then try again; nothing was removed"


def what_may_go(root: Path, grace_days: float | None) -> Cleaned:
    """Args: grace_days: in place of `retention.grace_days`; None: as it stands there."""
    return look(root, _policy(root, grace_days))


def clean_workspace(root: Path, grace_days: float | None, on_item: OnItem) -> Cleaned:
    """Remove what may go.

    Raises:
        BusyError: a retraining, an ingestion, a promotion or a DVC command runs.
        RegistryError: MLflow, or what a version rests on, cannot be read; nothing was removed then.
    """
    policy = _policy(root, grace_days)
    with retraining(root), _no_ingestion(root), _no_promotion(root), _no_dvc(root):
        return clean(root, policy, on_item)


def _policy(root: Path, grace_days: float | None) -> RetentionParams:
    policy = load_params(root / "params.yaml").retention
    return policy if grace_days is None else policy.model_copy(update={"grace_days": grace_days})


@contextmanager
def _no_ingestion(root: Path) -> Iterator[None]:
    with _held(root / STATE / "ingestion.lock", "an ingestion or a change of feedback is running"):
        yield


@contextmanager
def _no_promotion(root: Path) -> Iterator[None]:
    """All the while: what was looked at first as an earlier champion could be the present one when it goes."""
    with _held(root / STATE / "promote.lock", "a promotion or a rollback is running"):
        yield


@contextmanager
def _no_dvc(root: Path) -> Iterator[None]:
    """Hold the lock that every DVC command takes; a stage lets go of it, and is on DVC's list of users then."""
    with _held(root / COMMANDS, "a DVC command is running"):
        for user in users(root):
            raise BusyError(f"DVC's process {user.process} is running: {user.command}", _REMEDY)
        for stage in at_work(root):
            raise BusyError(f"stage {stage} is running", _REMEDY)
        yield


@contextmanager
def _held(path: Path, what: str) -> Iterator[None]:
    try:
        with exclusive(path, wait=False):
            yield
    except BlockingIOError:
        raise BusyError(what, _REMEDY) from None
