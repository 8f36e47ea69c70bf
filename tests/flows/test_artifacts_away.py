"""A Prefect server that is away ends no training and hides no result: what the run's page would show is missing."""

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


@pytest.mark.parametrize(
    ("show", "create", "content"),
    [
        ("show_page", "create_markdown_artifact", "# What came"),
        ("show_table", "create_table_artifact", [{"a": 1}]),
    ],
)
def test_what_is_done_is_told_to_people_though_its_page_cannot_be_shown(
    asked, monkeypatch, caplog, show, create, content
):
    def away(what, key):
        asked.append((what, key))
        raise httpx.ConnectError("nobody there")

    monkeypatch.setattr(artifacts, create, away)
    getattr(artifacts, show)(content, "what-came")
    assert asked == [(content, "what-came")]
    assert "what-came cannot be shown in Prefect: nobody there" in caplog.text
