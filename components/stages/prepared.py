"""The training data that stage `prepare` wrote, as records.

Read through Hugging Face `datasets`, streamed: nothing is copied into a cache and nothing is fetched.
"""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from datasets import load_dataset

from components.errors import DataError
from components.feedback.splits import Split
from components.records import Demonstration, Opinion, Preference, Prompt, Rating
from components.stages.paths import PREPARED

Record = TypeVar("Record", Demonstration, Preference, Rating, Prompt)


def load_demonstrations(split: Split) -> list[Demonstration]:
    return _load("demonstrations", split, Demonstration)


def load_preferences(split: Split, role: str | None = None) -> list[Preference]:
    """The preferences of a split; of one role, or of both."""
    preferences = _load("preferences", split, Preference)
    return [preference for preference in preferences if role in (None, preference.role)]


def load_ratings(split: Split, kind: str = "rating", role: str | None = None) -> list[Rating]:
    """The stars of a split, or its "thumbs"; on the prompts of one role, or of both."""
    ratings = _load("ratings", split, Rating)
    return [rating for rating in ratings if rating.kind == kind and role in (None, rating.role)]


def load_prompts(split: Split) -> list[Prompt]:
    return _load("prompts", split, Prompt)


def _load(name: str, split: Split, record_type: type[Record]) -> list[Record]:
    path = PREPARED / name / f"{split}.parquet"
    if not path.is_file():
        raise DataError(f"{path} not found", "run the stage that writes it: dvc repro prepare")
    # Streaming keeps no data, but it locks files in its cache folder: give it one to throw away.
    with TemporaryDirectory() as cache:
        rows = load_dataset("parquet", data_files=str(path), split="train", streaming=True, cache_dir=cache)
        return [record_type(**_fields(row)) for row in rows]


def _fields(row: dict[str, Any]) -> dict[str, Any]:
    if "opinions" in row:
        return row | {"opinions": tuple(Opinion(**opinion) for opinion in row["opinions"])}
    return row
