"""A promoted policy behind `mlflow models serve` and `mlflow.pyfunc`: real server, real requests."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path

import mlflow
import pytest
from modeling.tiny_models import FORMAT
from tracking.promotion_case import flip_a_bit
from tracking.test_real_server import free_port

from components.errors import ModelError
from components.files import digest_tree, write_json
from components.modeling.exploration import Exploration
from components.modeling.generation import answer
from components.modeling.loading import load_policy
from components.tracking.loading import load_version
from components.tracking.manifest import manifest_of
from components.tracking.promotion import promote
from components.tracking.registration import register_all
from components.tracking.verification import Verifier
from components.tracking.versions import get_version

PROMPTS = ["the battery {}", "the <|endoftext|> camera"]
CHAMPION = "models:/reviews@champion"


@pytest.fixture
def champion(tracker):
    register_all(tracker)
    promote(tracker, "1", "reviewer")
    return get_version(tracker, "reviews", "1")


def expected(folder, prompts, explore, seed, limit=FORMAT.max_response_tokens):
    """What the project's own sampling says, template and all."""
    model, tokenizer, text_format = load_policy(folder)
    limited = replace(text_format, max_response_tokens=limit)
    return [each.text for each in answer(model, tokenizer, limited, prompts, explore, seed)]


def test_it_answers_as_the_pipeline_itself_does(tracker, champion):
    served, folder = mlflow.pyfunc.load_model(CHAMPION), load_version(tracker, "champion").folder
    params = {"seed": 3, "temperature": 0.5, "top_k": 7, "top_p": 0.9, "max_new_tokens": 5}
    assert served.predict(PROMPTS, params) == expected(folder, PROMPTS, Exploration(0.5, 7, 0.9), 3, limit=5)
    assert served.predict(PROMPTS, {"seed": 3}) == expected(folder, PROMPTS, Exploration(), 3)


def test_without_a_seed_answers_differ(champion):
    served = mlflow.pyfunc.load_model(CHAMPION)
    assert len({served.predict(PROMPTS[:1])[0] for _ in range(4)}) > 1
    assert len({served.predict(PROMPTS[:1], {"seed": 5})[0] for _ in range(4)}) == 1


OUT_OF_RANGE = [
    ({"max_new_tokens": 0}, f"between 1 and {FORMAT.max_response_tokens}"),
    ({"max_new_tokens": FORMAT.max_response_tokens + 1}, "max_new_tokens"),
    ({"temperature": 0.0}, "above 0: temperature"),
    ({"temperature": float("nan")}, "above 0: temperature"),
    ({"top_k": -1}, "top_k"),
    ({"top_p": 0.0}, "top_p"),
    ({"top_p": 1.5, "temperature": -1.0}, "temperature; must be above 0 and at most 1: top_p"),
]


def test_what_is_out_of_range_is_told(champion):
    served = mlflow.pyfunc.load_model(CHAMPION)
    for params, told in OUT_OF_RANGE:
        with pytest.raises(mlflow.MlflowException, match=told) as caught:
            served.predict(PROMPTS, params)
        assert caught.value.error_code == "INVALID_PARAMETER_VALUE"
    with pytest.raises(mlflow.MlflowException, match="number of prompts"):
        served.predict(["x"] * 1025)


def test_loading_leaves_the_version_as_it_was(tracker, champion):
    """MLflow notes name and number among the files of a local store: no file of ours, and no damage."""
    mlflow.pyfunc.load_model(CHAMPION)
    assert list(tracker.root.glob(".rlhf/**/registered_model_meta"))
    assert load_version(tracker, "champion").version == "1"
    assert Verifier(tracker).verify(champion).mismatches == []


def test_a_byte_changed_after_promotion_is_not_served(tracker, champion):
    folder = load_version(tracker, "champion").folder
    flip_a_bit(folder / "model.safetensors")
    with pytest.raises(ModelError, match=r"model\.safetensors: SHA-256 is"):
        mlflow.pyfunc.load_model(CHAMPION)


def test_a_manifest_made_anew_does_not_help(tracker, champion):
    """Who changes the files can change the manifest beside them, but not what the registry says."""
    files = load_version(tracker, "champion").folder.parent
    mlflow.pyfunc.load_model(CHAMPION)
    flip_a_bit(files / "model/model.safetensors")
    found = digest_tree(files)
    kept = {name: found[name] for name in found if name not in ("manifest.json", "registered_model_meta")}
    write_json(files / "manifest.json", manifest_of(kept))
    with pytest.raises(ModelError, match="not the registered"):
        mlflow.pyfunc.load_model(CHAMPION)


@pytest.fixture
def server(tracker, champion, tmp_path):
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", CHAMPION, "--env-manager", "local"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    uri = f"sqlite:///{tracker.root}/.rlhf/mlflow.db"
    # As in an activated virtual environment: MLflow starts uvicorn by its name.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"MLFLOW_TRACKING_URI": uri, "PATH": path}
    with (tmp_path / "said.txt").open("w") as said:
        process = subprocess.Popen(
            command, env=environment, cwd=tmp_path, stdout=said, stderr=said, start_new_session=True
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(url, process, tmp_path / "said.txt")
        yield url
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(url, process, said):
    for _ in range(900):
        assert process.poll() is None, said.read_text()
        try:
            return urllib.request.urlopen(f"{url}/ping").close()  # noqa: S310 - a local http address
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise AssertionError(said.read_text())


def post(url, body):
    request = urllib.request.Request(  # noqa: S310 - a local http address
        f"{url}/invocations", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_mlflow_serves_the_champion_over_http(tracker, server):
    folder = load_version(tracker, "champion").folder
    wanted = expected(folder, PROMPTS, Exploration(0.5), 3, limit=6)
    params = {"seed": 3, "temperature": 0.5, "max_new_tokens": 6}
    assert post(server, {"inputs": PROMPTS, "params": params}) == (200, {"predictions": wanted})
    status, said = post(server, {"inputs": PROMPTS, "params": {"temperature": -1.0}})
    assert (status, "above 0: temperature" in said) == (400, True)
    assert post(server, {"inputs": PROMPTS, "params": {"max_new_tokens": "many"}})[0] == 400
    assert post(server, {"nonsense": 1})[0] == 400
