from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from collecting.collect_case import Page, serving, workspace
from collecting.keyboard import DESKTOP
from pages.devtools import Tab, browser


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


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture
def fresh(tab: Tab) -> Tab:
    """A browser that nobody has used."""
    tab.say("Network.clearBrowserCookies")
    tab.looks("light", *DESKTOP)
    tab.faults.clear()
    tab.requests.clear()
    return tab
