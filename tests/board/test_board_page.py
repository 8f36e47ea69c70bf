"""The page in a real browser, from the real command: what it shows, that it follows, and what is refused."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from importlib.resources import files

import httpx
import pytest
from collecting.keyboard import DESKTOP, visit
from evaluation.report_case import INJECTIONS
from pages.browser import needs_browser
from tracking.fake_workspace import PROJECT, write_batch
from tracking.rlhf_command import Command

from flows.board.looking import look_at_loop
from flows.board.page import board_page


@contextmanager
def serving(root):
    command = [sys.executable, "-m", "flows.cli", "board", "--port", "0"]
    with subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(PROJECT)}, text=True
    ) as process:
        try:
            yield re.search(r"http://\S+", process.stdout.readline()).group(), process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def address(root):
    with serving(root) as (found, process):
        yield found
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_the_page_says_where_everything_is(root):
    page = " ".join(re.sub(r"<[^>]+>", " ", board_page(look_at_loop(root, {}), None)).split())
    assert "Champion version 2 of candidate 2, approved by ada" in page
    assert "Retraining every stage is up to date" in page
    assert "Nothing waits for anybody." in page
    assert "2, champion 2 ada 70.0%" in page
    assert "Feedback 2 batches, 4 rows" in page


def test_what_waits_is_told_with_the_command(root):
    seen = look_at_loop(root, {}) | {
        "waits": [{"for": "reviewer", "what": "candidate 3", "do": "rlhf promote 3 --approver NAME"}]
    }
    assert "<code>rlhf promote 3 --approver NAME</code>" in board_page(seen, None)


def test_without_a_look_the_page_says_why():
    page = board_page(None, ("MLflow does not answer", "start it: `rlhf up`"), "mark")
    assert "MLflow does not answer" in page
    assert "start it: <code>rlhf up</code>" in page


@needs_browser
@pytest.mark.parametrize(("scheme", "size"), [("light", DESKTOP), ("dark", (400, 850))])
def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(tab, address, scheme, size):
    source = files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    tab.looks(scheme, *size)
    tab.say("Page.setBypassCSP", enabled=True)
    try:
        visit(tab, address)
        tab.ask(f"{source}; 0")
        found = json.loads(tab.ask("axe.run(document).then(found => JSON.stringify(found.violations))"))
    finally:
        tab.say("Page.setBypassCSP", enabled=False)
    assert [rule["id"] for rule in found] == []
    assert tab.ask("document.documentElement.scrollWidth <= innerWidth")
    assert tab.ask("[...document.images].every(image => image.naturalWidth > 0)")


@needs_browser
def test_it_follows_by_itself(root, tab, address):
    tab.faults.clear()
    visit(tab, address)
    assert "week-9-dddddddd" not in tab.ask("document.body.textContent")
    write_batch(root, "week-9-dddddddd")
    deadline = time.monotonic() + 60
    while "week-9-dddddddd" not in tab.ask("document.body ? document.body.textContent : ''"):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert tab.faults == []
    asked = {request.removeprefix(address) for request in tab.requests if request.startswith("http")}
    assert asked <= {"", "/", "/mark", "/favicon.ico"}


@needs_browser
def test_no_hostile_name_fires(root, tab, tmp_path):
    """Names of batches, gates and people are whatever strangers wrote."""
    seen = look_at_loop(root, {})
    batch, version = seen["batches"][0], seen["versions"][0]
    seen["batches"] = [batch | {"batch": text, "status": text} for text in INJECTIONS]
    seen["waits"] = [{"for": text, "what": text, "do": text} for text in INJECTIONS]
    seen["versions"] = [version | {"candidate": text, "approver": text} for text in INJECTIONS]
    seen["candidate"] |= {"version": INJECTIONS[0], "verdict": INJECTIONS[1], "reasons": list(INJECTIONS)}
    path = tmp_path / "board.html"
    path.write_text(board_page(seen, (INJECTIONS[0], INJECTIONS[1]), mark=INJECTIONS[2]), encoding="utf-8")
    tab.open(path)
    assert tab.ask("document.title") == "reviews: the loop"
    assert tab.ask("document.querySelectorAll('main li.waits, .waiting li').length") >= len(INJECTIONS)
    assert [request for request in tab.requests if not request.startswith("data:")] == [path.as_uri()]


def test_foreign_hosts_are_refused_and_nothing_can_be_sent(address):
    with httpx.Client(base_url=address, timeout=120) as client:
        assert client.get("/").headers["content-security-policy"] == "frame-ancestors 'none'"
        assert client.get("/", headers={"Host": "evil.example"}).status_code == 403
        assert client.post("/", headers={"Origin": address}).status_code == 405
        assert client.post("/", headers={"Origin": "http://evil.example"}).status_code == 403
        assert client.get("/nowhere").status_code == 404


def test_a_file_and_json(root, tmp_path):
    rlhf = Command(root)
    written = rlhf("board", "--file", str(tmp_path / "board.html"))
    assert (written.returncode, written.out.splitlines()[-1].startswith("next: open")) == (0, True)
    page = (tmp_path / "board.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "connect-src" not in page
    told = rlhf("board", "--json")
    assert json.loads(told.out)["champion"]["version"] == "2"
