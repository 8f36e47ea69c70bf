"""Pairs to judge as files for Argilla and Label Studio: whole or not there, and in the place of nothing else."""

from __future__ import annotations

from pathlib import Path

from components.collecting.elsewhere import (
    LABEL_STUDIO_CONFIG,
    argilla_files,
    label_studio_tasks,
    pairs_in,
)
from components.collecting.store import DATABASE, Store
from components.config import load_params
from components.errors import FeedbackError
from components.files import replacing_directory, write_json, write_text
from flows.exports import check_free


def to_argilla(root: Path, folder: Path) -> int:
    """Write a folder that Argilla imports; of how many pairs.

    Raises:
        FeedbackError: there are no pairs, or the folder is there already.
    """
    check_free([folder])
    params, pairs = load_params(root / "params.yaml"), _pairs(root)
    with replacing_directory(folder) as staged:
        for name, content in argilla_files(pairs, params.registry.name, params.collect.votes).items():
            (staged / name).parent.mkdir(exist_ok=True)
            write_json(staged / name, content)
    return len(pairs)


def to_label_studio(root: Path, file: Path) -> tuple[int, Path]:
    """Write tasks, and beside them the labelling configuration; of how many pairs, and the latter's path.

    Raises:
        FeedbackError: there are no pairs, or one of the files is there already; the configuration may be, as it is.
    """
    config = file.with_suffix(".xml")
    # Left by a call that ended between the two: the very same, so nothing is lost.
    left = config.is_file() and config.read_bytes() == LABEL_STUDIO_CONFIG.encode()
    check_free([file] if left else [file, config])
    tasks = label_studio_tasks(_pairs(root))
    write_text(config, LABEL_STUDIO_CONFIG)
    write_json(file, tasks)
    return len(tasks), config


def _pairs(root: Path) -> list[dict[str, object]]:
    pairs = pairs_in(Store(root / DATABASE))
    if not pairs:
        raise FeedbackError("there are no pairs to judge", "add some: `rlhf collect tasks FILE`")
    return pairs
