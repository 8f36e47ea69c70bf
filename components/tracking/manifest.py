"""The SHA-256 of each file of a registered version, kept among its files and checked before they are used.

DVC trusts a cached file by its read-only bit and safetensors loads a flipped bit without a word: this is
the check that neither makes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.errors import ModelError
from components.files import digest_of, digest_tree, read_json

MANIFEST = "manifest.json"
REMEDY = (
    "its files were changed or damaged after registration: `rlhf retrain` registers what it trained anew, "
    "`rlhf promote` makes a new production copy of a sound candidate"
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
    path = folder / MANIFEST
    listed = _listed(path)
    found = {name: digest for name, digest in digest_tree(folder).items() if name != MANIFEST}
    _same_files(folder, listed, found)
    if digest_of(found) != expected:
        raise ModelError(f"{folder}: the digest is not the registered {expected[:12]}", REMEDY)


def _listed(path: Path) -> dict[str, str]:
    if not path.exists():
        raise ModelError(f"{path} not found", REMEDY)
    try:
        content = read_json(path)
    except ValueError:
        content = None
    files = content.get("files") if isinstance(content, dict) else None
    if not isinstance(files, dict):
        raise ModelError(f"{path} is no manifest", REMEDY)
    return files


def _same_files(folder: Path, listed: dict[str, str], found: dict[str, str]) -> None:
    for name in sorted(listed.keys() | found.keys()):
        if name not in found:
            raise ModelError(f"{folder / name} is missing", REMEDY)
        if name not in listed:
            raise ModelError(f"{folder / name} is not in the manifest", REMEDY)
        if listed[name] != found[name]:
            raise ModelError(
                f"{folder / name}: SHA-256 is {found[name][:12]}, registered {listed[name][:12]}", REMEDY
            )
