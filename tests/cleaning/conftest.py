"""A workspace that has lived a while, on a real DVC and a real MLflow database; its stages are quick stand-ins."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest
import yaml
from tracking.conftest import database
from tracking.fake_workspace import BLOCKED, READY, models, write_batch, write_dvc_workspace

from components.files import read_json, sha256_file, write_json, write_text
from components.tracking.promotion import promote
from components.tracking.registration import register_all
from components.tracking.tracker import connect
from flows.cli import main

__all__ = ["database", "models"]

BATCH = "week-1-aaaaaaaa"
ROWS = f"data/feedback/{BATCH}/rows-00000.parquet"


def dvc(root, *words):
    here = str(Path(sys.executable).parent)
    environment = os.environ | {"PATH": f"{here}:{os.environ['PATH']}"}
    command = [sys.executable, "-m", "dvc", *words]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def retrain(root, seed, gates):
    """Other models, as after other feedback or parameters, registered; the reward model is that of the second time."""
    for name in ("sft", "policy", *(["reward"] if seed <= 2 else [])):
        weights = root / "ready-made" / name / "model.safetensors"
        content = bytearray(weights.read_bytes())
        content[-8] = seed
        weights.write_bytes(content)
    params = yaml.safe_load((root / "params.yaml").read_text())
    write_text(root / "params.yaml", yaml.safe_dump(params | {"seed": seed}))
    write_json(root / "gates-to-report.json", gates)
    dvc(root, "repro", "--quiet", "evaluate")
    return register_all(connect(root))["candidate"].version


def withdraw(root, left):
    """What `rlhf feedback withdraw` leaves of the batch, as far as rows, digests and the manifest go."""
    write_text(root / ROWS, f"{left} rows")
    manifest = (root / ROWS).with_name("manifest.json")
    content = read_json(manifest) | {"accepted": left, "withdrawn": 9 - left}
    write_json(manifest, content | {"parts": {Path(ROWS).name: sha256_file(root / ROWS)}})
    dvc(root, "add", "--quiet", "data/feedback")


def live(root):
    """Candidates 1, 3 and 4 became production 1, 2 and 3; 2 and 6 are blocked; 5 waits for a reviewer.

    Rows left the batch before the second retraining and before the fourth.
    """
    write_batch(root, BATCH)
    withdraw(root, 9)
    for seed, gates in enumerate((READY, BLOCKED, READY, READY, READY, BLOCKED), start=1):
        if seed in (2, 4):
            withdraw(root, 9 - seed)
        candidate = retrain(root, seed, gates)
        assert candidate == str(seed)
        if seed in (1, 3, 4):
            promote(connect(root), candidate, "reviewer")


@pytest.fixture(scope="session")
def saved(tmp_path_factory, models, database):
    """The workspace's place, and a copy of it as it was left."""
    patch = pytest.MonkeyPatch()
    patch.delenv("MLFLOW_TRACKING_URI", raising=False)
    patch.setenv("RLHF_AUTHOR", "trainer")
    root = write_dvc_workspace(tmp_path_factory.mktemp("lived-in") / "root", models)
    (root / ".rlhf").mkdir()
    shutil.copy(database, root / ".rlhf/mlflow.db")
    write_text(root / ".rlhf/mlflow.version", mlflow.__version__)
    live(root)
    patch.undo()
    put_back(root, root.with_name("saved"))
    return root, root.with_name("saved")


def put_back(saved, root):
    """As it was, links between workspace and cache and all; MLflow has the database open: its file stays the same."""
    database, aside = root / ".rlhf/mlflow.db", root.with_name("open.db")
    if database.exists():
        database.rename(aside)
    shutil.rmtree(root, ignore_errors=True)
    subprocess.run(["cp", "-a", str(saved), str(root)], check=True)
    if aside.exists():
        aside.write_bytes(database.read_bytes())
        aside.rename(database)


@pytest.fixture
def root(saved, monkeypatch):
    place, copy = saved
    put_back(copy, place)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("RLHF_AUTHOR", "cleaner")
    return place


@pytest.fixture
def rlhf(root, monkeypatch, capsys):
    """The command in the workspace, in this process. Exit status, stdout, stderr."""
    monkeypatch.chdir(root)
    before, handler = dict(os.environ), signal.getsignal(signal.SIGTERM)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["rlhf", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capsys.readouterr()

    yield run
    signal.signal(signal.SIGTERM, handler)
    os.environ.clear()
    os.environ |= before
