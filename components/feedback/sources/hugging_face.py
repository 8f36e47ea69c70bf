"""A data set of Hugging Face as files that the ordinary ingestion takes, read as a stream."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from components.errors import FeedbackError
from components.feedback.declaration import declare_licence, is_declaration, is_declared
from components.feedback.sources.address import Address
from components.feedback.sources.data_cards import licence_of
from components.feedback.sources.data_sets import Table, TextFiles, open_split
from components.feedback.sources.spool import Delivery, RowFile, file_name

_ROWS = 1000
_OFFLINE = "check the network, HF_ENDPOINT and HF_HUB_OFFLINE; or download it elsewhere and give its folder"


def fetch(address: Address, folder: Path) -> list[Delivery]:
    """Read a split: text files as they are, one delivery each; Parquet and Arrow into one file in `folder`.

    The licence that the data set's card names is declared of them.

    Raises:
        FeedbackError: it cannot be found, reached or read, or the disk refuses.
    """
    with _in_words(address):
        opened = open_split(address)
        licence = licence_of(address)
        if isinstance(opened, TextFiles):
            files = (_as_it_is(file) for file in opened.files if not is_declaration(Path(file)))
            return [_under(licence, file, folder / f"text-{number}") for number, file in enumerate(files)]
        delivery = _spooled(address, opened, folder)
        return [_under(licence, delivery, delivery.path)]


def _under(licence: str | None, delivery: Delivery, place: Path) -> Delivery:
    """The file with its licence declared beside it, at a place in the spool; what its sender declares goes first."""
    if licence is None or is_declared(delivery.path):
        return delivery
    declare_licence(place, licence)
    if place != delivery.path:
        place.symlink_to(delivery.path.resolve())
    return Delivery(place, delivery.shown or delivery.path.name)


def _as_it_is(file: str) -> Delivery:
    if not file.startswith("hf://"):
        return Delivery(Path(file))
    from huggingface_hub import HfFileSystem, hf_hub_download

    # Of a repository: data_sets.py has seen to it.
    place: Any = HfFileSystem().resolve_path(file)
    copy = hf_hub_download(
        place.repo_id, place.path_in_repo, repo_type=place.repo_type, revision=place.revision
    )
    return Delivery(Path(copy), f"hf://{place.repo_id}/{place.path_in_repo}")


def _spooled(address: Address, table: Table, folder: Path) -> Delivery:
    _check_types(address, table.data.features)
    # Of a folder its own name: where it lies on this machine is nobody's business in the manifest.
    name = Path(address.name).resolve().name if Path(address.name).is_dir() else address.name
    parts = [name, *filter(None, [address.options.get("config")]), table.split]
    file = RowFile(folder / file_name("hf", *parts))
    try:
        for row in _rows(table.data):
            file.write(row)
    finally:
        file.close()
    return Delivery(file.path, f"hf://{'/'.join(parts)}.jsonl")


def _rows(data: Any) -> Iterator[dict[str, Any]]:
    labels = {name: feature for name, feature in data.features.items() if hasattr(feature, "int2str")}
    for batch in data.iter(batch_size=_ROWS):
        for values in zip(*batch.values(), strict=True):
            row = dict(zip(batch, values, strict=True))
            for name, feature in labels.items():
                row[name] = None if row[name] is None or row[name] < 0 else feature.int2str(row[name])
            yield {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    """The value as JSON has it; a time without zone stays one, for ingestion to refuse."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _check_types(address: Address, features: Any) -> None:
    """Pass columns of text, numbers and times: an answer that is a picture cannot be learned from as text."""
    for column in features.arrow_schema:
        if _is_binary(column.type):
            what = f"{address}: the column {column.name[:40]!a} holds binary data"
            raise FeedbackError(what, "drop it with `remove_columns`, save the data set and give that folder")


def _is_binary(kind: Any) -> bool:
    """Whether an Arrow type is bytes, or holds such in lists and objects."""
    import pyarrow.types as types

    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        return True
    return any(_is_binary(kind.field(place).type) for place in range(kind.num_fields))


@contextmanager
def _in_words(address: Address) -> Iterator[None]:
    """What `datasets`, the hub and Arrow raise, as an error a person can act on."""
    import pyarrow as pa
    from datasets.exceptions import DatasetNotFoundError, DatasetsError

    try:
        yield
    except DatasetNotFoundError as error:
        remedy = "check the name; for a private or gated one accept its terms and set HF_TOKEN"
        raise FeedbackError(f"{address}: {_first_line(error)}", remedy) from None
    except (ConnectionError, TimeoutError) as error:
        raise FeedbackError(f"{address} cannot be reached: {_first_line(error)}", _OFFLINE) from None
    except (
        DatasetsError,
        OSError,
        ValueError,
        RuntimeError,
        TypeError,
        KeyError,
        pa.ArrowException,
    ) as error:
        raise FeedbackError(f"{address} cannot be read: {_first_line(error)}", _remedy(error)) from None


def _remedy(error: Exception) -> str:
    text = str(error)
    if "onfig" in text and ("available configs" in text or "Available:" in text):
        return "name one of them: ?config=NAME"
    if "scripts are no longer supported" in text:
        return "code of a data set is never run: save it as Parquet elsewhere and give that"
    return "check that its files are whole; or save it with `save_to_disk` and give that folder"


def _first_line(error: Exception) -> str:
    """What a library said, on one line: where it lists configurations, those too."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = " ".join(lines[:2]) if lines else type(error).__name__
    return ascii(said[:300])[1:-1]
