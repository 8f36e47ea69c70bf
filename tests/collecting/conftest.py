from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from collecting.collect_case import Page, add, link, pairs, serving, workspace
from collecting.keyboard import visit
from pages.devtools import Tab
from pages.tabs import fresh, tab
from typer.testing import CliRunner, Result

from flows.commands.collect import app

__all__ = ["fresh", "tab"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return workspace(tmp_path / "project")


@pytest.fixture
def rlhf(root: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The subcommands in a workspace; exit status, stdout, stderr."""
    monkeypatch.chdir(root)
    for name in ("HF_HUB_OFFLINE", "PATH"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    kept = dict(os.environ)

    def run(*words: str) -> Result:
        result = CliRunner().invoke(app, [*words])
        os.environ.clear()
        os.environ.update(kept)
        return result

    return run


@pytest.fixture(scope="module")
def shared_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One workspace for a module whose tests each add pairs and people of their own."""
    return workspace(tmp_path_factory.mktemp("shared") / "project")


@pytest.fixture(scope="module")
def page(shared_root: Path) -> Iterator[Page]:
    with serving(shared_root) as found:
        yield found


@pytest.fixture(scope="module")
def filled(shared_root: Path) -> Path:
    add(shared_root, pairs(30))
    return shared_root


@pytest.fixture
def at_work(fresh: Tab, page: Page, filled: Path, request: pytest.FixtureRequest) -> Tab:
    """A person, named as the test, with their first pair before them."""
    visit(fresh, page.address + link(filled, request.node.name))
    return fresh
