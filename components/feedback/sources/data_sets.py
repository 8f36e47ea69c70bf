"""Opens a data set with `datasets`: a folder that it wrote, a folder of data files, or one of the hub.

No code of a data set is run and no pickle is opened: `datasets` has no loading scripts any more, and only its
readers of JSON, CSV, Parquet and Arrow are let near the files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.errors import FeedbackError
from components.feedback.sources.address import Address

_SAVED, _SAVED_SPLITS = "state.json", "dataset_dict.json"
#: Readers of `datasets` -> whether people write such files, which our own stricter readers take as they are.
_READERS = {"json": True, "csv": True, "parquet": False, "arrow": False, "cache": False}
_DATA = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".arrow", ".pkl", ".pickle", ".pt", ".pth")
#: Descriptions that lie beside the data.
_ABOUT = frozenset(
    {"dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "config.json"}
)
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)


@dataclass(frozen=True)
class TextFiles:
    """A split that lies in files which ingestion reads as they are: paths, or addresses on the hub."""

    files: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A split that `datasets` reads: a Dataset that is mapped from disk, or an IterableDataset; and its name."""

    data: Any
    split: str


def open_split(address: Address) -> TextFiles | Table:
    """The split that the address names, or the only one.

    Raises:
        FeedbackError: it cannot be told which split or configuration is meant, or files are not data.
        Whatever `datasets` raises, for hugging_face.py to put into words.
    """
    folder = Path(address.name)
    if not folder.is_dir():
        return _open_files(address, _hub_name(address), None)
    folder = folder.resolve()
    if (folder / _SAVED_SPLITS).is_file():
        split = _chosen(address, _strings(folder / _SAVED_SPLITS, "splits"))
        return Table(_open_saved(_inside(folder, split)), split)
    if not (folder / _SAVED).is_file():
        return _open_files(address, str(folder), folder)
    if "split" in address.options:
        raise FeedbackError(f"{folder} was saved as one split", "leave ?split= out")
    data = _open_saved(folder)
    return Table(data, str(data.split or "data"))


def _open_saved(folder: Path) -> Any:
    """What `save_to_disk` wrote, mapped into memory."""
    from datasets import Dataset

    for file in _strings(folder / _SAVED, "_data_files", "filename"):
        _inside(folder, file)
    return Dataset.load_from_disk(str(folder), keep_in_memory=False)


def _open_files(address: Address, path: str, folder: Path | None) -> TextFiles | Table:
    from datasets import load_dataset_builder

    options = address.options
    builder = load_dataset_builder(path, name=options.get("config"), revision=options.get("revision"))
    reader = type(builder).__module__.rpartition(".")[2]
    if reader not in _READERS:
        what = f"{address} holds files that `datasets` reads as {reader[:40]!a}"
        raise FeedbackError(
            what, "feedback is read from JSON, CSV, Parquet and Arrow: save it as one of these"
        )
    by_split = {
        str(name): tuple(map(str, files)) for name, files in (builder.config.data_files or {}).items()
    }
    _check_files(address, by_split, folder, builder.config.name == "default")
    # What the hub's cache holds, where the hub is out of reach, has splits and no files of its own.
    split = _chosen(address, by_split or map(str, builder.info.splits or ()))
    if _READERS[reader]:
        return TextFiles(by_split[split])
    return Table(builder.as_streaming_dataset(split=split), split)


def _check_files(
    address: Address, by_split: Mapping[str, Iterable[str]], folder: Path | None, is_all: bool
) -> None:
    """No file of another place is read, and in a folder no file is overlooked.

    Args:
        is_all: one configuration stands for the whole folder.
    """
    files = [file for files in by_split.values() for file in files]
    if folder is None:
        strangers = [file for file in files if not file.startswith(f"hf://datasets/{address.name}@")]
    else:
        strangers = [file for file in files if not Path(file).resolve().is_relative_to(folder)]
    if strangers:
        what = f"{address} points at another place: {strangers[0][:200]!a}"
        raise FeedbackError(what, "give that place itself, if you trust it")
    left = sorted(_data_files(folder) - {Path(file).resolve() for file in files}) if folder and is_all else []
    if left:
        what = (
            f"{address}: {str(left[0])!a} and {len(left) - 1} other files are of another kind than the rest"
        )
        raise FeedbackError(what, "give the files themselves: rlhf ingest FILE...")


def _data_files(folder: Path) -> set[Path]:
    return {
        path.resolve()
        for path in folder.rglob("*")
        if _suffix(path) in _DATA and path.name not in _ABOUT and not path.name.startswith(".")
    }


def _suffix(path: Path) -> str:
    return Path(path.name.lower().removesuffix(".gz")).suffix


def _chosen(address: Address, splits: Iterable[str]) -> str:
    names = list(splits)
    wanted = address.options.get("split")
    if wanted is None and len(names) == 1:
        return names[0]
    if wanted in names:
        return str(wanted)
    listed = ", ".join(ascii(name)[1:-1] for name in names) or "none"
    what = f"{address} has no split {wanted[:40]!a}" if wanted else f"{address} has several splits"
    raise FeedbackError(f"{what}; it has {listed}", "name one of them: ?split=NAME")


def _hub_name(address: Address) -> str:
    if not _HUB_NAME.fullmatch(address.name):
        raise FeedbackError(
            f"{address.name[:200]!a} is no folder and no name of a data set", "check the path or the name"
        )
    return address.name


def _strings(path: Path, key: str, inner: str | None = None) -> list[str]:
    """A list of names in one of the JSON files that describe a saved data set."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))[key]
        return [str(value if inner is None else value[inner]) for value in values]
    except (ValueError, KeyError, TypeError):
        raise FeedbackError(f"{path} describes no data set", "save it again with `save_to_disk`") from None


def _inside(folder: Path, name: str) -> Path:
    if Path(name).name != name:
        raise FeedbackError(
            f"{folder} points at {name[:200]!a}, outside itself", "save it again with `save_to_disk`"
        )
    return folder / name
