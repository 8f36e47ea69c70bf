"""A workspace with pairs to judge, the real server over loopback, and people who judge by HTTP."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from starlette.testclient import TestClient

from components.collecting.assignment import Plan
from components.collecting.people import invite
from components.collecting.store import DATABASE, Store
from components.collecting.tasks import Added, add_tasks
from components.config import FeedbackParams
from components.feedback.rules import Rules
from flows.collect.app import Collecting, make_app

PROJECT = Path(__file__).parents[2]
NO_GOLD = Plan(seed=7, votes=3, gold_share=0.0)
_TOKEN = re.compile(r'name="form" value="([^"]+)"')
_TEXT = re.compile(r'<div class="text" dir="auto"[^>]*>(.*?)</div>', re.DOTALL)
_AREA = re.compile(r'<textarea name="(\w+)"[^>]*>\n(.*?)</textarea>', re.DOTALL)


def workspace(folder: Path) -> Path:
    """A project's folder with nothing in it but its settings."""
    folder.mkdir(parents=True)
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(PROJECT / name, folder)
    return folder


def pairs(count: int, gold: int = 0) -> list[dict[str, Any]]:
    """Pairs with an honest text each; the last `gold` of them are gold questions whose answer is a."""
    rows = [
        {
            "id": f"pair-{number}",
            "prompt": f"Review phone {number}.",
            "response_a": f"Phone {number} has a bright screen.\nIts battery lasts two days.",
            "response_b": f"Phone {number} is fine.",
        }
        for number in range(count)
    ]
    return [row | {"gold": "a"} if at >= count - gold else row for at, row in enumerate(rows)]


def add(root: Path, rows: Iterable[dict[str, Any]]) -> Added:
    path = root / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return add_tasks(store_of(root), path, Rules.of(FeedbackParams(), root))


def store_of(root: Path) -> Store:
    return Store(root / DATABASE)


def link(root: Path, name: str) -> str:
    """The path of a new invitation."""
    return f"/join/{invite(store_of(root), name).token}"


class Page:
    """The server of a workspace as a process. Attributes: port; address."""

    def __init__(self, root: Path, port: int = 0) -> None:
        command = [sys.executable, "-m", "flows.cli", "collect", "serve", "--port", str(port), "--json"]
        self._errors = (root / "serve.log").open("ab")
        self.process = subprocess.Popen(
            command, cwd=root, stdout=subprocess.PIPE, stderr=self._errors, env=_environment(), text=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, (root / "serve.log").read_text()
        self.port = json.loads(line)["port"]
        self.address = f"http://127.0.0.1:{self.port}"

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait; the exit status."""
        self.process.send_signal(number)
        status = self.process.wait(timeout=20)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._errors.close()
        return status


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(PROJECT)}


@contextmanager
def serving(root: Path, port: int = 0) -> Iterator[Page]:
    page = Page(root, port)
    try:
        yield page
    finally:
        if page.process.poll() is None:
            page.end(signal.SIGKILL)


class Person:
    """Somebody who judges by plain forms, without a script. Attributes: client; form: of the page at hand."""

    def __init__(self, address: str, path: str, **headers: str) -> None:
        self.client = httpx.Client(
            base_url=address,
            headers={"Origin": address, **headers},
            follow_redirects=True,
            timeout=60,
            # There is no HTTPS: certificates would be read for nothing.
            verify=False,  # noqa: S501
        )
        self.page = self.client.get(path).text

    @property
    def form(self) -> str:
        return form_in(self.page)

    @property
    def texts(self) -> list[str]:
        """Prompt, left answer, right answer."""
        return [html.unescape(text) for text in _TEXT.findall(self.page)]

    @property
    def areas(self) -> dict[str, str]:
        """What stands in the fields to write in."""
        return {name: html.unescape(text) for name, text in _AREA.findall(self.page)}

    def judge_as_shown(self, choice: str, **fields: str) -> httpx.Response:
        """Answer as a browser does: with every text as it stands on the page, closed or open."""
        areas = {name: "\r\n".join(re.split("\r\n|\r|\n", text)) for name, text in self.areas.items()}
        return self.judge(choice, **(areas | fields))

    def judge(self, choice: str, **fields: str) -> httpx.Response:
        """Answer the page at hand; the next one is at hand then."""
        response = self.client.post("/judge", data={"form": self.form, "choice": choice, **fields})
        self.page = response.text
        return response


class Near(Person):
    """A person whose page answers in this process: no server has to start."""

    def __init__(self, root: Path, path: str, plan: Plan = NO_GOLD, **headers: str) -> None:
        address = "http://127.0.0.1:4300"
        rules = Rules.of(FeedbackParams(), root)
        page = make_app(Collecting(store_of(root), plan, rules, frozenset({address}), "en"))
        self.client = TestClient(page, base_url=address, headers={"Origin": address, **headers})
        self.page = self.client.get(path).text


def form_in(page: str) -> str:
    found = _TOKEN.search(page)
    assert found is not None, page
    return html.unescape(found[1])


def judgements(root: Path) -> list[dict[str, Any]]:
    rows = store_of(root).reading().execute("SELECT * FROM judgements ORDER BY number").fetchall()
    return [dict(row) for row in rows]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
