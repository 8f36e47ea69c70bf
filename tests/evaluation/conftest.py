"""The reviewer's page, opened in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from pages.tabs import tab
from report_case import write_page

__all__ = ["tab"]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_page(path, steps={}, reliability={})
    return path
