from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from docs_texts import ROOT
from pages.devtools import Tab, browser


def build(project: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """`make docs` with another folder to write to."""
    options = ["--strict", "--config-file", "docs/mkdocs.yml", "--site-dir", str(site)]
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", *options],
        cwd=project,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `make docs` builds it, once for a module."""
    folder = tmp_path_factory.mktemp("site")
    built = build(ROOT, folder)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


class Quiet(SimpleHTTPRequestHandler):
    """Attributes: asked: what browsers asked for."""

    asked: list[str] = []  # noqa: RUF012

    def log_message(self, *words: object) -> None:
        self.asked.append(self.path)


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Where the site is served on loopback."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """A browser that reaches nothing but loopback."""
    with browser(tmp_path_factory.mktemp("profile")) as found:
        found.say("Network.setBlockedURLs", urls=["https://*", "wss://*"])
        yield found
