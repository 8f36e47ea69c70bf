"""A project with a champion and a candidate, and the real server of `rlhf chat serve` over loopback."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
import transformers
import yaml
from modeling.tiny_models import tokenizer
from tracking.conftest import make_root
from tracking.fake_workspace import PROJECT

from components.evaluation.stars import Stars
from components.modeling.attention import use_packed_attention
from components.modeling.loading import new_reward_model, save_model
from components.modeling.text_format import TextFormat
from components.serving.thumbs import DATABASE, Thumbs
from components.tracking.promotion import promote
from components.tracking.registration import register_all
from components.tracking.tracker import Tracker, connect
from components.training.scoring import RewardScale

#: Room for answers that take a while.
LONGEST = 400
FORMAT = TextFormat("{prompt}\n", max_prompt_tokens=64, max_response_tokens=LONGEST)
TOK = tokenizer()
PROMPT = "the battery lasts long"
#: Tokens that are a word with a space before it: such texts read back as the same tokens.
WORDS = [token for token in range(len(TOK)) if re.fullmatch(" [a-z]{3,}", TOK.decode([token]))]


def write_policy(folder: Path, seed: int, ends: bool = True) -> None:
    """A GPT-2 with random weights that says nothing but words. ends: whether it ends itself, at every 40th token."""
    torch.manual_seed(seed)
    eos, pad = TOK.eos_token_id, TOK.pad_token_id
    config = transformers.GPT2Config(
        vocab_size=len(TOK),
        n_positions=512,
        n_embd=32,
        n_layer=2,
        n_head=2,
        eos_token_id=eos,
        bos_token_id=eos,
        pad_token_id=pad,
        tie_word_embeddings=False,
    )
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        # One state is the same at every place; what no word begins with is made unlikely by it.
        model.transformer.ln_f.weight[0], model.transformer.ln_f.bias[0] = 0.0, 10.0
        model.lm_head.weight *= 8.0
        model.lm_head.weight[:, 0] = -4.0
        model.lm_head.weight[WORDS, 0] = 0.0
        model.lm_head.weight[eos, 0] = -0.05 if ends else -4.0
    use_packed_attention(model)
    save_model(folder, model, TOK, FORMAT)


def write_models(folder: Path) -> None:
    """sft, policy and reward, as stages save them."""
    for seed, name in enumerate(("sft", "policy")):
        write_policy(folder / name, seed)
    model, tok, text_format = new_reward_model(folder / "sft")
    save_model(folder / "reward", model, tok, text_format)
    RewardScale(mean=0.1, std=0.5).save(folder / "reward")
    Stars(slope=2.0, intercept=0.0, ratings=100, mean_absolute_error=0.4, rank_correlation=0.8).write(
        folder / "reward/stars.json"
    )


def set_params(root: Path, **values: Any) -> None:
    """Change the section `chat`; a folder with params.yaml and dvc.yaml is a project."""
    path = root / "params.yaml"
    content = yaml.safe_load(path.read_text())
    content["chat"].update(values)
    path.write_text(yaml.safe_dump(content))
    shutil.copy(PROJECT / "dvc.yaml", root)


def connected(root: Path) -> Tracker:
    """The project's own registry: MLflow writes into the environment to which one this process was connected last."""
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    return connect(root)


def make_project(folder: Path, database: Path) -> Path:
    """With champion 1 and candidate 2, whose answers never end themselves."""
    write_models(folder / "models")
    with pytest.MonkeyPatch.context() as patch:
        root = make_root(folder / "project", folder / "models", database, patch)
        set_params(root, waiting=2, choices=6, look_seconds=0.01)
        tracker = connected(root)
        register_all(tracker)
        promote(tracker, "1", "reviewer")
        shutil.rmtree(root / "models/policy")
        write_policy(root / "models/policy", seed=2, ends=False)
        register_all(tracker)
    return root


class Server:
    """`rlhf chat serve` as a process. Attributes: port; address."""

    def __init__(self, root: Path, **variables: str) -> None:
        command = [sys.executable, "-m", "flows.cli", "chat", "serve", "--port", "0", "--json"]
        environment = os.environ | {"PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1", **variables}
        environment.pop("MLFLOW_TRACKING_URI", None)
        self.log = root / "serve.log"
        self._errors = self.log.open("ab")
        self.process = subprocess.Popen(
            command, cwd=root, stdout=subprocess.PIPE, stderr=self._errors, env=environment, text=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.log.read_text()
        self.port = json.loads(line)["port"]
        self.address = f"http://127.0.0.1:{self.port}"

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait; the exit status."""
        self.process.send_signal(number)
        status = self.process.wait(timeout=60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._errors.close()
        return status


@contextmanager
def serving(root: Path, **variables: str) -> Iterator[Server]:
    server = Server(root, **variables)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.end(signal.SIGKILL)


class Visitor:
    """Somebody who asks on the page, without a browser. Attributes: client."""

    def __init__(self, address: str) -> None:
        # There is no HTTPS: certificates would be read for nothing.
        headers = {"Origin": address}
        self.client = httpx.Client(base_url=address, headers=headers, timeout=120, verify=False)  # noqa: S501
        self.client.get("/")

    def ask(self, prompt: str = PROMPT, model: str = "champion", **options: Any) -> list[dict[str, Any]]:
        """All lines of an answer."""
        response = self.send(prompt, model, **options)
        assert response.status_code == 200, response.text
        return [json.loads(line) for line in response.text.splitlines()]

    def send(self, prompt: str = PROMPT, model: str = "champion", **options: Any) -> httpx.Response:
        body = {
            "model": model,
            "prompt": prompt,
            "temperature": 1.0,
            "max_tokens": 8,
            "seed": None,
            **options,
        }
        return self.client.post("/answer", json=body)

    def thumb(self, answer: str, thumb: str) -> httpx.Response:
        return self.client.post("/thumb", json={"answer": answer, "thumb": thumb})


def signed(lines: list[dict[str, Any]]) -> str:
    """What a thumb for the answer is given with."""
    return str(next(line for line in lines if line["kind"] == "end")["answer"])


def thumbs(root: Path) -> list[dict[str, Any]]:
    rows = Thumbs(root / DATABASE).reading().execute("SELECT * FROM thumbs ORDER BY number").fetchall()
    return [dict(row) for row in rows]
