import sys
from pathlib import Path

import pytest

from components.errors import ConfigError
from flows.environment import find_root, prepare_environment


@pytest.fixture
def bare(environment):
    """An environment in which a person has set nothing."""
    for name in list(environment):
        if name.startswith(("PREFECT_", "MLFLOW_", "DVC_", "DO_NOT_TRACK", "HF_HUB_OFFLINE")):
            del environment[name]
    return environment


def test_the_root_is_found_from_below(tmp_path):
    (tmp_path / "params.yaml").touch()
    (tmp_path / "dvc.yaml").touch()
    below = tmp_path / "a/b"
    below.mkdir(parents=True)
    assert find_root(below) == tmp_path


def test_a_folder_with_half_of_a_project_is_none(tmp_path):
    (tmp_path / "params.yaml").touch()
    with pytest.raises(ConfigError, match="not inside a project"):
        find_root(tmp_path)


def test_everything_is_embedded_where_nothing_is_set(tmp_path, bare):
    prepare_environment(tmp_path)
    assert bare["PREFECT_HOME"] == f"{tmp_path}/.rlhf/prefect"
    assert bare["MLFLOW_TRACKING_URI"] == f"sqlite:///{tmp_path}/.rlhf/mlflow.db"
    assert (bare["DO_NOT_TRACK"], bare["MLFLOW_DISABLE_TELEMETRY"]) == ("true", "true")
    assert bare["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert bare["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] == "30"
    assert not {"PREFECT_API_URL", "PREFECT_API_AUTH_STRING"} & set(bare)
    assert "HF_HUB_OFFLINE" not in bare
    assert not list(tmp_path.iterdir())


def test_what_is_set_stays(tmp_path, bare):
    bare |= {"MLFLOW_TRACKING_URI": "http://mlflow", "PREFECT_HOME": "/home"}
    prepare_environment(tmp_path)
    assert (bare["MLFLOW_TRACKING_URI"], bare["PREFECT_HOME"]) == ("http://mlflow", "/home")


def test_a_client_takes_the_login_that_its_server_has(tmp_path, bare):
    bare["PREFECT_SERVER_API_AUTH_STRING"] = "ada:word"
    prepare_environment(tmp_path)
    assert bare["PREFECT_API_AUTH_STRING"] == "ada:word"


def test_stages_get_this_python_first_and_once(tmp_path, bare):
    bare["PATH"] = "/usr/bin"
    prepare_environment(tmp_path)
    prepare_environment(tmp_path)
    assert bare["PATH"] == f"{Path(sys.executable).parent}:/usr/bin"
