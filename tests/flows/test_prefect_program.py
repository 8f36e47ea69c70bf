"""The Prefect server that `rlhf up` starts, for real: what a restart must not lose, and what it is to forget."""

import json
import os
import signal
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from flows_waiting import wait_until
from up_workspace import write_bare_workspace

from components.config import load_params
from flows.environment import prepare_environment
from flows.up.programs import PREFECT, programs
from flows.up.record import UP
from flows.up.watched import Watched


class Server:
    def __init__(self, root):
        wanted = {each.name: each for each in programs(root, load_params(root / "params.yaml"))}
        self.watched = Watched(root, wanted[PREFECT])
        self.url = f"{wanted[PREFECT].url}/api"

    def start(self):
        wait_until(self._is_up, seconds=240)

    def _is_up(self):
        self.watched.step(is_ready=True)
        return self.watched.state == UP

    def kill(self):
        os.killpg(self.watched.process.pid, signal.SIGKILL)
        self.watched.process.wait()
        self.watched.step(is_ready=False)
        assert self.watched.state != UP

    def post(self, path, **content):
        deadline = time.monotonic() + 60
        while (answers := self._answer(path, content)) is None:
            assert time.monotonic() < deadline, "the server was busy for a minute"
            time.sleep(0.2)
        return answers[0]

    def _answer(self, path, content):
        """In a list; None where SQLite was busy, which a client of Prefect's waits out as well."""
        body, headers = json.dumps(content).encode(), {"Content-Type": "application/json"}
        try:
            with urlopen(Request(f"{self.url}/{path}", body, headers), timeout=60) as answer:  # noqa: S310
                return [json.loads(answer.read() or "null")]
        except HTTPError as error:
            if error.code != 503:
                raise
            return None

    def ended_run(self, flow):
        return self.post("flow_runs/", flow_id=flow, state={"type": "COMPLETED", "name": "Completed"})["id"]

    def runs(self):
        return {run["id"] for run in self.post("flow_runs/filter")}


@pytest.fixture
def server(tmp_path, environment):
    for name in [each for each in environment if each.startswith("PREFECT_")]:
        del environment[name]
    # Else it looks for what it may remove once an hour.
    environment["PREFECT_SERVER_SERVICES_DB_VACUUM_LOOP_SECONDS"] = "1"
    root = write_bare_workspace(tmp_path / "workspace")
    prepare_environment(root)
    server = Server(root)
    server.start()
    yield server
    server.watched.stop()


def lease_of(server, limit):
    path = "v2/concurrency_limits/increment-with-lease"
    return server.post(path, names=[limit], slots=1, lease_duration=300)["lease_id"]


def lease_file(tmp_path, lease):
    return tmp_path / f"workspace/.rlhf/prefect/concurrency_leases/{lease}.json"


def grow_old(tmp_path, lease, age):
    path = lease_file(tmp_path, lease)
    index = path.with_name("expirations.json")
    expired = (datetime.now(UTC) - age).isoformat()
    path.write_text(json.dumps(json.loads(path.read_text()) | {"expiration": expired}))
    index.write_text(json.dumps(json.loads(index.read_text()) | {lease: expired}))


def test_a_restart_loses_no_lease_and_old_runs_go(server, tmp_path):
    limit = server.post("v2/concurrency_limits/", name="deployment", limit=2)["name"]
    recent, forgotten = (lease_of(server, limit) for _ in range(2))
    flow = server.post("flows/", name="reconcile")["id"]
    old, young = server.ended_run(flow), server.ended_run(flow)
    server.kill()
    # Neither could be renewed while it was away: one for minutes, one for a day.
    grow_old(tmp_path, recent, timedelta(minutes=4))
    grow_old(tmp_path, forgotten, timedelta(days=1))
    with sqlite3.connect(tmp_path / "workspace/.rlhf/prefect/prefect.db") as database:
        aged = "update flow_run set end_time = datetime('now', '-31 days') where id in (?, ?)"
        assert database.execute(aged, (old, old.replace("-", ""))).rowcount == 1
    server.start()
    wait_until(lambda: server.runs() == {young})
    wait_until(lambda: not lease_file(tmp_path, forgotten).exists())
    # Who cannot renew its lease is ended by Prefect.
    server.post(f"v2/concurrency_limits/leases/{recent}/renew", lease_duration=300)
