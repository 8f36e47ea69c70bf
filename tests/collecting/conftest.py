from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from collecting.collect_case import Page, serving, workspace


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return workspace(tmp_path / "project")


@pytest.fixture(scope="module")
def shared_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One workspace for a module whose tests each add pairs and people of their own."""
    return workspace(tmp_path_factory.mktemp("shared") / "project")


@pytest.fixture(scope="module")
def page(shared_root: Path) -> Iterator[Page]:
    with serving(shared_root) as found:
        yield found
