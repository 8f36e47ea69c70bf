"""The state of a run as two files: tensors as safetensors, everything else as JSON. No pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from components.errors import ModelError
from components.files import digest_tree, read_json, write_json, write_text

TENSORS, FACTS, DIGESTS = "tensors.safetensors", "facts.json", "sha256.json"
#: In the facts, stands for the tensor of this name.
PLACEHOLDER = "$tensor"

#: Nested mappings with string keys and lists of tensors, numbers, strings, booleans and None.
State = dict[str, Any]


def write_state(folder: Path, state: State) -> None:
    """Write `state` into an empty folder, with the SHA-256 of what was written.

    Raises:
        OSError: it cannot be written, such as on a full disk.
    """
    tensors: dict[str, Tensor] = {}
    facts = _detach(state, "state", tensors)
    try:
        save_file(tensors, folder / TENSORS)
    except SafetensorError as error:
        raise OSError(str(error)) from None
    # Figures of a run may be NaN, which Python's JSON writes and reads.
    write_text(folder / FACTS, json.dumps(facts))
    write_json(folder / DIGESTS, digest_tree(folder))


def read_state(folder: Path) -> State:
    """What `write_state` wrote.

    Raises:
        ModelError: a file is missing, cut or changed. (safetensors itself loads a flipped bit without a word.)
    """
    try:
        expected = read_json(folder / DIGESTS)
        found = {name: digest for name, digest in digest_tree(folder).items() if name != DIGESTS}
        if found != expected:
            raise ModelError(f"{folder} is damaged: its files do not have the SHA-256 they were written with")
        # Copies: what is loaded would be the file itself, mapped into memory.
        tensors = {name: tensor.clone() for name, tensor in load_file(folder / TENSORS).items()}
        state: State = _attach(read_json(folder / FACTS), tensors)
        return state
    except (OSError, ValueError, KeyError, RecursionError, SafetensorError) as error:
        raise ModelError(f"{folder} is damaged: {error}") from None


def _detach(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """`value` with its tensors moved to `tensors`, under names that tell where they stood."""
    if isinstance(value, Tensor):
        tensors[name] = value.detach().cpu().contiguous()
        return {PLACEHOLDER: name}
    if isinstance(value, Mapping):
        return {key: _detach(item, f"{name}/{key}", tensors) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_detach(item, f"{name}/{index}", tensors) for index, item in enumerate(value)]
    return value


def _attach(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(value, dict):
        if value.keys() == {PLACEHOLDER}:
            return tensors[value[PLACEHOLDER]]
        return {key: _attach(item, tensors) for key, item in value.items()}
    if isinstance(value, list):
        return [_attach(item, tensors) for item in value]
    return value
