"""MLflow servers that are away, hang or fail: told in seconds; and what a killed upload leaves."""

import os
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from components.errors import RegistryError
from components.locks import exclusive
from components.tracking import answering
from components.tracking.answering import BOUNDS, bound_requests, refuse_silent
from components.tracking.packages import staging


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(answering, "TIMEOUT_S", 0.3)
    monkeypatch.setattr(answering, "TRIES", 0)


def refused(url):
    with pytest.raises(RegistryError) as caught:
        refuse_silent(url)
    assert "what was done before is kept" in caught.value.remedy
    return caught.value.message


def test_one_that_is_away_or_hangs_does_not_answer(impatient):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://ada:secret@127.0.0.1:{silent.getsockname()[1]}"
        assert refused(url).startswith("MLflow at http://127.0.0.1:")
        assert refused(url).endswith("does not answer")
    assert refused(url).endswith("does not answer")


class Server(BaseHTTPRequestHandler):
    status = 500

    def do_GET(self):
        self.send_error(self.status)

    def log_message(self, *_):
        pass


@pytest.mark.parametrize("status", [500, 503, 404, 401])
def test_only_one_that_fails_is_refused(impatient, status, monkeypatch):
    """A server that does not know the path that is asked for is there all the same."""
    monkeypatch.setattr(Server, "status", status)
    with HTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        if status >= 500:
            assert refused(url).endswith(f"answers with errors ({status})")
        else:
            refuse_silent(url)
        server.shutdown()


def test_databases_are_asked_nothing():
    refuse_silent("sqlite:////nowhere/mlflow.db")


def test_requests_are_bounded_and_what_a_person_set_stays(monkeypatch):
    for name in BOUNDS:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "7")
    bound_requests()
    assert {name: os.environ[name] for name in BOUNDS} == BOUNDS | {"MLFLOW_HTTP_REQUEST_TIMEOUT": "7"}


def test_what_a_killed_upload_left_is_swept_and_a_living_one_s_is_not(tmp_path):
    home = tmp_path / ".rlhf/tmp"
    for name in ("dead", "living"):
        (home / name).mkdir(parents=True)
        (home / name / "model.safetensors").touch()
        (home / f"{name}.lock").touch()
    with exclusive(home / "living.lock"), staging(tmp_path) as mine:
        assert sorted(path.name for path in home.iterdir()) == sorted(
            ["living", "living.lock", mine.name, f"{mine.name}.lock"]
        )
    assert sorted(path.name for path in home.iterdir()) == ["living", "living.lock"]
