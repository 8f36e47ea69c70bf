"""The server's rules on a real server, with short times: a killed run is closed, a suspended or ended one is not."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from prefect import get_client
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName

from flows.up import zombies

SILENCE = timedelta(seconds=6)

#: Says when it runs, then does as told: sleeps, is suspended, or ends in a state with a name of its own.
FLOW = """
import sys, time
from prefect import flow, suspend_flow_run
from prefect.states import Completed

@flow(flow_run_name="{way}")
def run():
    print("runs", flush=True)
    if "{way}" == "suspended":
        suspend_flow_run(timeout=600)
    if "{way}" == "killed":
        time.sleep(600)
    return Completed(name="SkippedAllOfIt")

if __name__ == "__main__":
    run()
"""


def start(folder, url, way):
    program = folder / f"{way}.py"
    program.write_text(FLOW.format(way=way))
    environment = os.environ | {"PREFECT_API_URL": url, "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}
    return subprocess.Popen(
        [sys.executable, str(program)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def run_named(client, name):
    (run,) = client.read_flow_runs(flow_run_filter=FlowRunFilter(name=FlowRunFilterName(any_=[name])))
    return run


@pytest.fixture
def client(lasting, monkeypatch):
    with get_client(sync_client=True) as client:
        yield client
