"""The SHA-256 of each file of a registered version, kept among its files and checked before they are used.

DVC trusts a cached file by its read-only bit and safetensors loads a flipped bit without a word: this is
the check that neither makes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components.errors import ModelError
from components.files import digest_of, digest_tree, read_json

MANIFEST = "manifest.json"
#: Where MLflow notes the name and number of a version that it loads, also among the files of a local store.
MLFLOW_NOTE = "registered_model_meta"
REMEDY = (
    "its files were changed or damaged after registration, `rlhf verify` names each: `rlhf retrain` registers what "
    "it trained anew, `rlhf promote` makes a new production copy of a sound candidate"
)


def manifest_of(files: dict[str, str]) -> dict[str, Any]:
    """The content of manifest.json for files by path and SHA-256; `digest` is one SHA-256 for them all."""
    return {"digest": digest_of(files), "files": dict(sorted(files.items()))}


def verify(folder: Path, expected: str) -> None:
    """Check that `folder` holds exactly the files of its manifest, and the manifest that was registered.

    Args:
        expected: the digest that the registry has for this version.

    Raises:
        ModelError: naming the first file that differs, is missing or is one too many.
    """
    wrong = next(mismatches(folder, expected), None)
    if wrong is not None:
        raise ModelError(wrong, REMEDY)


def mismatches(folder: Path, expected: str) -> Iterator[str]:
    """Each file that differs from its manifest, is missing or is one too many; last, whether the whole was registered.

    Args:
        expected: as for `verify`.
    """
    path = folder / MANIFEST
    listed = _listed(path)
    if listed is None:
        yield f"{path} is no manifest" if path.exists() else f"{path} not found"
        return
    found = {
        name: digest for name, digest in digest_tree(folder).items() if name not in (MANIFEST, MLFLOW_NOTE)
    }
    yield from _differences(folder, listed, found)
    if digest_of(listed) != expected:
        yield f"{path}: the digest is not the registered {expected[:12]}"


def _listed(path: Path) -> dict[str, str] | None:
    try:
        content = read_json(path)
    except (ValueError, FileNotFoundError):
        return None
    files = content.get("files") if isinstance(content, dict) else None
    sound = isinstance(files, dict) and all(isinstance(digest, str) for digest in files.values())
    return files if sound else None


def _differences(folder: Path, listed: dict[str, str], found: dict[str, str]) -> Iterator[str]:
    for name in sorted(listed.keys() | found.keys()):
        if name not in found:
            yield f"{folder / name} is missing"
        elif name not in listed:
            yield f"{folder / name} is not in the manifest"
        elif listed[name] != found[name]:
            yield f"{folder / name}: SHA-256 is {found[name][:12]}, registered {listed[name][:12]}"
