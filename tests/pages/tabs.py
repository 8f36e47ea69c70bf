"""Fixtures of tests that look at a served page: a browser a module, and one that nobody has used."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from collecting.keyboard import DESKTOP
from pages.devtools import Tab, browser


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
