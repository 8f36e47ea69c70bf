import os
import signal
import sys

import pytest
from prefect.settings import PREFECT_API_URL
from prefect.testing.utilities import prefect_test_harness
from tracking.fake_workspace import models, write_batch, write_dvc_workspace
from tracking.rlhf_command import Command

from flows import dvc
from flows.cli import main
from flows.environment import prepare_environment

__all__ = ["models"]


@pytest.fixture(scope="session")
def prefect_server():
    """Prefect's own test server; its address is what a person would set as PREFECT_API_URL."""
    with prefect_test_harness(server_startup_timeout=600):
        yield PREFECT_API_URL.value()


def _kept_environment():
    before = dict(os.environ)
    yield os.environ
    os.environ.clear()
    os.environ |= before


#: The environment of this process, put back after the test or after the module.
environment = pytest.fixture(_kept_environment)
module_environment = pytest.fixture(scope="module")(_kept_environment)


@pytest.fixture
def clone(tmp_path, models):
    return write_dvc_workspace(tmp_path / "clone", models)


@pytest.fixture
def fed(clone, environment):
    """A clone with one batch of feedback that DVC knows of."""
    prepare_environment(clone)
    write_batch(clone, "week-1-aaaaaaaa")
    dvc.add_feedback(clone)
    return clone


@pytest.fixture
def rlhf(clone, prefect_server):
    """The command on a fresh clone, with the server that PREFECT_API_URL names."""
    return Command(clone, PREFECT_API_URL=prefect_server)


@pytest.fixture
def in_this_process(monkeypatch, capsys):
    """`rlhf` in the folder at hand: the heavy libraries are imported once. Exit status, stdout, stderr."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["rlhf", *map(str, words)])
        handler = signal.getsignal(signal.SIGTERM)
        with pytest.raises(SystemExit) as ended:
            main()
        signal.signal(signal.SIGTERM, handler)
        return ended.value.code, *capsys.readouterr()

    return run


@pytest.fixture
def rlhf_here(clone, prefect_server, environment, monkeypatch, in_this_process):
    """The same without a process of its own."""
    environment.pop("MLFLOW_TRACKING_URI", None)
    environment |= {"PREFECT_API_URL": prefect_server, "RLHF_AUTHOR": "trainer"}
    monkeypatch.chdir(clone)

    return in_this_process


@pytest.fixture
def embedded_rlhf(clone):
    """The command on a fresh clone, with no server set."""
    return Command(clone)
