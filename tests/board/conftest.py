import os
import shutil
import subprocess
import sys

import mlflow
import pytest
from pages.tabs import tab
from tracking.fake_workspace import models, write_batch, write_dvc_workspace

from components.tracking.promotion import promote
from components.tracking.registration import register_all
from components.tracking.tracker import connect
from flows import dvc
from flows.environment import prepare_environment

__all__ = ["models", "tab"]


@pytest.fixture(scope="package")
def environment():
    before = dict(os.environ)
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    os.environ["RLHF_AUTHOR"] = "trainer"
    yield
    os.environ.clear()
    os.environ |= before
    mlflow.set_tracking_uri("")


@pytest.fixture(scope="package")
def lived_in(tmp_path_factory, models, environment):
    """Two batches, two retrainings of stand-ins under real DVC, two versions in production."""
    folder = write_dvc_workspace(tmp_path_factory.mktemp("board") / "clone", models)
    prepare_environment(folder)
    for number, batch in enumerate(("week-1-aaaaaaaa", "week-2-bbbbbbbb"), start=1):
        write_batch(folder, batch)
        dvc.add_feedback(folder)
        subprocess.run(
            [sys.executable, "-m", "dvc", "repro", "--quiet"], cwd=folder, check=True, capture_output=True
        )
        register_all(connect(folder))
        promote(connect(folder), str(number), "ada")
    return folder


@pytest.fixture(scope="module")
def root(tmp_path_factory, lived_in):
    """Each file's own: some of its tests add to it."""
    return shutil.copytree(lived_in, tmp_path_factory.mktemp("copy") / "clone", symlinks=True)
