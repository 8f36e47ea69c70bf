"""A Prefect server that is away ends no training: the progress on the run's page stays as it is."""

import logging

import httpx
import pytest

from components.progress import Progress
from flows import artifacts
from flows.artifacts import ProgressArtifact


@pytest.fixture
def asked(monkeypatch):
    """Every percentage that the server was asked to show; it is away until `asked` holds one."""
    told = []

    def away(percent, **_):
        told.append(percent)
        raise httpx.ConnectError("nobody there")

    monkeypatch.setattr(artifacts, "create_progress_artifact", away)
    monkeypatch.setattr(artifacts, "get_run_logger", lambda: logging.getLogger("test"))
    return told


def test_it_is_asked_once_and_once_more_at_the_end(asked, caplog):
    artifact = ProgressArtifact("ppo")
    for step in range(1, 5):
        artifact.update(Progress("ppo", step, 4, {}))
    assert asked == [25.0, 100.0]
    assert "the progress of ppo cannot be told to Prefect: nobody there" in caplog.text
