"""A registered policy as `mlflow models serve` and `mlflow.pyfunc.load_model` serve it: prompts in, answers out.

{"inputs": ["Review the Pixel 9."], "params": {"max_new_tokens": 40, "temperature": 0.7, "seed": 1}}
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from components.errors import ModelError
from components.files import read_json
from components.modeling.text_format import TextFormat
from components.tracking.manifest import MANIFEST, MLFLOW_NOTE, verify

if TYPE_CHECKING:
    from mlflow.models import ModelSignature
    from transformers import PreTrainedModel

#: Where a version's files hold the folder that `save_pretrained` wrote.
MODEL = "model"
#: Prompts of one request: each takes memory while all are answered.
MOST_PROMPTS = 1024


def signature_of(text_format: TextFormat) -> ModelSignature:
    """Texts in, texts out, and what a request may say of how they are drawn."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema

    text = Schema([ColSpec(DataType.string)])
    params = [
        ParamSpec("max_new_tokens", DataType.long, text_format.max_response_tokens),
        ParamSpec("temperature", DataType.double, 1.0),
        ParamSpec("top_k", DataType.long, 0),
        ParamSpec("top_p", DataType.double, 1.0),
        # Below 0: others at each request.
        ParamSpec("seed", DataType.long, -1),
    ]
    return ModelSignature(inputs=text, outputs=text, params=ParamSchema(params))


class ServedPolicy:
    """A policy in memory. MLflow calls `predict`."""

    def __init__(self, model: PreTrainedModel, tokenizer: Any, text_format: TextFormat) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.text_format = text_format

    def predict(self, prompts: Any, params: Mapping[str, Any]) -> list[str]:
        """One answer a prompt, in order; the same seed and the same prompts give the same answers.

        Args:
            prompts: a pandas.DataFrame of one column of texts. params: those of `signature_of`, all of them.

        Raises:
            MlflowException: a parameter is out of range, or there are too many prompts; a server says 400.
        """
        from components.modeling.exploration import Exploration
        from components.modeling.generation import answer

        texts = [str(text) for text in prompts.iloc[:, 0]]
        _check(params, len(texts), self.text_format.max_response_tokens)
        explore = Exploration(params["temperature"], params["top_k"], params["top_p"])
        seed = params["seed"] if params["seed"] >= 0 else secrets.randbits(63)
        limited = replace(self.text_format, max_response_tokens=params["max_new_tokens"])
        return [each.text for each in answer(self.model, self.tokenizer, limited, texts, explore, seed)]


def _check(params: Mapping[str, Any], prompts: int, longest: int) -> None:
    from mlflow.exceptions import MlflowException

    right = {
        f"between 1 and {longest}: max_new_tokens": 1 <= params["max_new_tokens"] <= longest,
        "above 0: temperature": 0 < params["temperature"] < float("inf"),
        "0 (all tokens) or more: top_k": params["top_k"] >= 0,
        "above 0 and at most 1: top_p": 0 < params["top_p"] <= 1,
        f"at most {MOST_PROMPTS}: the number of prompts": prompts <= MOST_PROMPTS,
    }
    wrong = [told for told, holds in right.items() if not holds]
    if wrong:
        raise MlflowException.invalid_parameter_value("must be " + "; must be ".join(wrong))


def _load_pyfunc(path: str) -> ServedPolicy:
    """MLflow calls this with the folder of a version's files, which are checked before they are read.

    Raises:
        ModelError: a file is not the one that was registered.
    """
    # Everything is on this disk: no library needs to ask a hub.
    os.environ["HF_HUB_OFFLINE"] = "1"
    from components.modeling.device import pick_device
    from components.modeling.loading import load_policy

    folder = Path(path)
    verify(folder, _registered_digest(folder))
    model, tokenizer, text_format = load_policy(folder / MODEL)
    return ServedPolicy(model.to(pick_device()), tokenizer, text_format)


def _registered_digest(folder: Path) -> str:
    """What the registry says of these files; what their own manifest says where they were not taken from a registry."""
    from mlflow import MlflowClient

    note = folder / MLFLOW_NOTE
    if not note.exists():
        return str(read_json(folder / MANIFEST)["digest"])
    content = yaml.safe_load(note.read_text(encoding="utf-8"))
    version = MlflowClient().get_model_version(content["model_name"], str(content["model_version"]))
    if "sha256" not in version.tags:
        raise ModelError(
            f"version {version.version} of {version.name} has no SHA-256 in the registry",
            "`rlhf promote` makes production copies that have one",
        )
    return str(version.tags["sha256"])
