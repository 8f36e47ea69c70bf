from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from chat.chat_case import Server, Visitor, make_project, serving
from pages.tabs import fresh, tab
from tracking.conftest import database

__all__ = ["database", "fresh", "tab"]


@pytest.fixture(scope="session")
def project(tmp_path_factory, database) -> Path:
    """A champion, reviews/1, and a candidate after it, reviews-candidate/2. Its models stay as they are."""
    return make_project(tmp_path_factory.mktemp("chat"), database)


@pytest.fixture(scope="session")
def server(project) -> Iterator[Server]:
    """One for all tests that leave it as it is."""
    with serving(project) as found:
        yield found
        assert found.end() == 0
        assert "Traceback" not in found.log.read_text()


@pytest.fixture
def visitor(server) -> Visitor:
    return Visitor(server.address)
