"""What happens while the server runs: somebody leaves, another version becomes champion, files are damaged."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
import uvicorn
from chat.chat_case import PROMPT, Visitor, connected, make_project, set_params
from tracking.promotion_case import flip_a_bit
from typer.testing import CliRunner

from components.errors import ModelError, RegistryError
from components.serving.keeper import Keeper
from components.serving.version import load_served
from components.tracking.loading import load_version
from components.tracking.promotion import promote
from flows.chat.app import make_app
from flows.chat.house import open_house
from flows.commands.chat import app
from flows.web.addresses import addresses_of
from flows.web.server import listen


@pytest.fixture(scope="module")
def root(tmp_path_factory, database):
    """A project of this module's own: it gets another champion."""
    return make_project(tmp_path_factory.mktemp("reload"), database)


@contextmanager
def near(root) -> Iterator[tuple[str, dict[str, Keeper]]]:
    """The server in this process, over real HTTP: its address, and what it keeps in memory."""
    connected(root)
    listener = listen("127.0.0.1", 0, "chat.port")
    house = open_house(root, addresses_of("127.0.0.1", listener.getsockname()[1], None))
    server = uvicorn.Server(uvicorn.Config(make_app(house), log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        keepers = {kind: worker._keeper for kind, worker in house.workers.items()}
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", keepers
    finally:
        server.should_exit = True
        thread.join()


def fingerprint(address, model="champion"):
    body = {"model": model, "prompt": PROMPT, "max_tokens": 2, "seed": 1}
    reply = httpx.post(f"{address}/v1/completions", json=body, timeout=60)
    return reply.json()["system_fingerprint"], reply.json()["choices"][0]["text"]


def test_who_leaves_ends_the_answer_whether_it_streams_or_not(root):
    with near(root) as (address, keepers):
        fingerprint(address, "candidate")
        drawn: list[int] = []
        keepers["candidate"].current().model.register_forward_hook(lambda *_: drawn.append(1))
        body = {"model": "candidate", "prompt": PROMPT, "n": 6, "stream": True, "max_tokens": 400}
        with httpx.stream("POST", f"{address}/v1/completions", json=body, timeout=60) as reply:
            next(reply.iter_lines())
        after_stream = ended(address, drawn)
        assert 0 < after_stream < 400
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{address}/v1/completions", json=body | {"stream": False}, timeout=0.05)
        assert ended(address, drawn) - after_stream < 400


def ended(address, drawn):
    """How many tokens were drawn when the next question has been answered; its own two are not counted."""
    fingerprint(address, "candidate")
    return len(drawn) - 2


def test_a_question_of_somebody_who_left_the_queue_is_never_read(root):
    with near(root) as (address, keepers):
        fingerprint(address, "candidate")
        read: list[int] = []
        keepers["candidate"].current().model.register_forward_hook(lambda *_: read.append(1))
        body = {"model": "candidate", "prompt": PROMPT, "n": 6, "stream": True, "max_tokens": 400}
        with httpx.stream("POST", f"{address}/v1/completions", json=body, timeout=60) as first:
            # Held: a reader that is dropped closes the connection.
            lines = first.iter_lines()
            next(lines)
            with pytest.raises(httpx.ReadTimeout):
                httpx.post(f"{address}/v1/completions", json=body, timeout=0.05)
        assert ended(address, read) < 400


def test_another_champion_answers_the_next_question_and_says_so(root):
    tracker = connected(root)
    with near(root) as (address, _):
        assert fingerprint(address)[0] == "reviews/1"
        body = {"model": "champion", "prompt": PROMPT, "n": 2, "stream": True, "max_tokens": 60}
        with httpx.stream("POST", f"{address}/v1/completions", json=body, timeout=60) as reply:
            lines = reply.iter_lines()
            begun = json.loads(next(lines).removeprefix("data: "))
            promote(tracker, "2", "reviewer")
            # What has begun is ended by whoever began it.
            rest = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
            assert {part["system_fingerprint"] for part in (begun, *rest)} == {"reviews/1"}
        time.sleep(0.02)
        # The same model as the candidate's.
        version, text = fingerprint(address)
        assert (version, text) == ("reviews/2", fingerprint(address, "candidate")[1])
        assert httpx.get(f"{address}/v1/models/champion").json()["owned_by"] == "reviews/2"


def test_damaged_files_are_not_loaded_and_leave_the_version_in_memory(root):
    tracker, warned = connected(root), []
    keeper = Keeper(tracker, "candidate", scores=False, look_s=0.0, warn=warned.append)
    kept = keeper.current()
    assert kept.label == "reviews-candidate/2"
    tracker.client.set_registered_model_alias("reviews-candidate", "current", "1")
    flip_a_bit(load_version(tracker, "candidate").folder / "model.safetensors")
    assert keeper.current() is kept
    assert "reviews-candidate/2 goes on to answer" in warned[0]
    assert "model.safetensors: SHA-256 is" in warned[0]
    with pytest.raises(ModelError, match=r"model\.safetensors: SHA-256 is"):
        load_served(tracker, "candidate", scores=False)
    tracker.client.set_registered_model_alias("reviews-candidate", "current", "2")
    assert keeper.current() is kept


def test_a_number_is_that_production_version(root):
    tracker = connected(root)
    assert load_served(tracker, "1", scores=False).label == "reviews/1"
    with pytest.raises(RegistryError, match="no version 77"):
        load_served(tracker, "77", scores=False)


def test_the_settings_hold(root, monkeypatch):
    """port, temperature, scores and language; those of the queue and the looks are tested where they act."""
    before = (root / "params.yaml").read_text()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        set_params(root, temperature=0.25, scores=False, language="zh", port=taken.getsockname()[1])
        with near(root) as (address, _):
            visitor = Visitor(address)
            page = visitor.client.get("/").text
            assert '<html lang="zh">' in page
            assert 'id="temperature" type="number" min="0" max="2" step="any" value="0.25"' in page
            assert [line["kind"] for line in visitor.ask(max_tokens=1)] == ["begin", "text", "end"]
        monkeypatch.chdir(root)
        for name in ("HF_HUB_OFFLINE", "PATH", "MLFLOW_TRACKING_URI"):
            monkeypatch.setenv(name, os.environ.get(name, ""))
        found = CliRunner().invoke(app, ["serve"])
        assert "cannot listen" in found.exception.message
        assert "chat.port" in found.exception.remedy
    (root / "params.yaml").write_text(before)
    with near(root) as (address, _):
        kinds = [line["kind"] for line in Visitor(address).ask(max_tokens=1)]
        assert kinds == ["begin", "text", "end", "score"]
