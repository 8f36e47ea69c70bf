"""The files that the simulator writes, and the sample that ships."""

import csv
import gzip
import io
import json
import re
from collections import Counter
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from components.feedback.simulator import bayes_accuracy, write_feedback
from components.feedback.simulator.mishaps import MISHAPS
from components.records import Preference

SAMPLES = Path(__file__).parents[2] / "data" / "samples"


def text_of(path: Path) -> str:
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8")


def rows_of(path: Path) -> list[dict]:
    """The sound rows of a file."""
    if path.suffix == ".parquet":
        return pl.read_parquet(path).to_dicts()
    if ".csv" in path.name:
        return list(csv.DictReader(io.StringIO(text_of(path))))
    rows, ids = [], set()
    for line in text_of(path).splitlines():
        if "-broken-" not in line:
            row = json.loads(line)
            rows += [] if row["id"] in ids else [row]
            ids.add(row["id"])
    return rows


@pytest.fixture(scope="module")
def sample() -> dict[str, list[dict]]:
    return {path.name: rows_of(path) for path in sorted(SAMPLES.iterdir())}


def judged(rows: list[dict]) -> list[Preference]:
    """Comparisons as preferences, ties left out."""
    found = []
    for row in rows:
        if "chosen" in row:
            found.append(Preference(row["prompt"], row["chosen"], row["rejected"]))
        elif row.get("preferred") in ("a", "b"):
            a, b = row["response_a"], row["response_b"]
            found.append(Preference(row["prompt"], *((a, b) if row["preferred"] == "a" else (b, a))))
    return found


def test_the_same_seed_writes_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    first = write_feedback(tmp_path / "a", 1, 60, 40, prompts=50)
    again = write_feedback(tmp_path / "b", 1, 60, 40, prompts=50)
    other = write_feedback(tmp_path / "c", 2, 60, 40, prompts=50)
    assert [path.name for path in first] == [path.name for path in other]
    for one, same, different in zip(first, again, other, strict=True):
        assert one.read_bytes() == same.read_bytes()
        assert one.read_bytes() != different.read_bytes()


def test_the_shipped_sample_is_what_the_simulator_writes(tmp_path: Path) -> None:
    written = write_feedback(tmp_path, 7, 7000, 2000)
    assert sorted(path.name for path in written) == sorted(path.name for path in SAMPLES.iterdir())
    for path in written:
        if path.suffix == ".parquet":
            assert pl.read_parquet(path).equals(pl.read_parquet(SAMPLES / path.name))
        else:
            assert text_of(path) == text_of(SAMPLES / path.name)


def test_counts_are_as_asked(tmp_path: Path) -> None:
    asked = {"ratings": 11, "thumbs": 8, "rankings": 7, "edits": 6}
    paths = write_feedback(tmp_path, 3, 100, 9, prompts=40, **asked)
    counts = {path.name: len(rows_of(path)) for path in paths}
    assert counts == {
        "week-1-demonstrations.jsonl.gz": 9,
        "week-2-comparisons.jsonl.gz": 40,
        "week-3-comparisons.csv.gz": 40,
        "week-4-ratings.jsonl.gz": 11,
        "week-4-thumbs.parquet": 8,
        "week-5-rankings.jsonl.gz": 7,
        "week-5-edits.jsonl": 6,
        "week-6-comparisons.jsonl.gz": 20,
    }


def test_a_kind_with_no_rows_has_no_file(tmp_path: Path) -> None:
    paths = write_feedback(tmp_path, 3, 0, 5, prompts=5, ratings=0, thumbs=0, rankings=0, edits=0)
    assert [path.name for path in paths] == ["week-1-demonstrations.jsonl.gz"]


def test_each_mishap_happens_once_in_few_rows() -> None:
    lines = text_of(SAMPLES / "week-2-comparisons.jsonl.gz").splitlines()
    ids = Counter(re.search(r'"id": "([^"]+)"', line)[1] for line in lines)
    broken = [line for line in lines if "-broken-" in line]
    assert len(lines) == 2800 + len(MISHAPS)
    assert len(MISHAPS) / len(lines) < 0.05
    assert [name for name, count in ids.items() if count == 2] == [
        name for name, count in ids.items() if count > 1
    ]
    assert sum(count == 2 for count in ids.values()) == 1
    whole = [json.loads(line) for line in broken if line.endswith("}")]
    assert len(broken) - len(whole) == 1
    assert sum(row["rejected"] == 42 for row in whole) == 1
    assert sum(row["rejected"] == "  " for row in whole) == 1
    assert sum(row["rejected"] == row["chosen"] for row in whole) == 1
    assert sum("<|endoftext|>" in row["chosen"] for row in whole) == 1


def test_a_small_file_is_not_mostly_broken(tmp_path: Path) -> None:
    paths = write_feedback(tmp_path, 3, 100, 0, prompts=40, ratings=0, thumbs=0, rankings=0, edits=0)
    assert text_of(paths[0]).count("-broken-") == 1  # 40 sound rows: 1 in 25


def test_rows_are_signed(sample: dict[str, list[dict]]) -> None:
    rows = [row for rows in sample.values() for row in rows]
    assert len({row["id"] for row in rows}) == len(rows) == 9810
    assert {row["source"] for row in rows} == {"simulator"}
    assert {row["language"] for row in rows} == {"en"}
    times = [datetime.fromisoformat(row["created_at"]) for row in rows]
    assert min(times) == datetime.fromisoformat("2025-03-03T08:00:00+00:00")
    assert max(times) < datetime.fromisoformat("2025-04-14T08:00:00+00:00")
    shares = Counter(row["annotator"] for row in rows)
    assert len(shares) == 8
    assert max(shares.values()) / len(rows) < 0.3


def test_the_sample_is_small_and_plain(sample: dict[str, list[dict]]) -> None:
    assert sum(path.stat().st_size for path in SAMPLES.iterdir()) < 1_500_000
    rows = [row for rows in sample.values() for row in rows]
    assert len({row["prompt"] for row in rows}) > 1000
    answers = [
        answer
        for row in rows
        for answer in (row[name] for name in ("response", "chosen", "rejected") if name in row)
    ]
    assert {len(answer.split()) >= 12 and len(answer.split()) <= 45 for answer in answers} == {True}
    words = {word.lower() for text in answers for word in re.findall(r"\w+", text)}
    words |= {word.lower() for row in rows for word in re.findall(r"\w+", row["prompt"])}
    assert 130 < len(words) < 250
    assert not any("<|" in text for text in answers)


def test_noise_and_length_of_the_sample(sample: dict[str, list[dict]]) -> None:
    preferences = judged([row for rows in sample.values() for row in rows])
    longer = [len(item.chosen) > len(item.rejected) for item in preferences]
    assert 0.78 < bayes_accuracy(preferences) < 0.85
    assert 0.50 < sum(longer) / len(longer) < 0.65


def test_the_sample_has_ties_and_pairs_judged_twice(sample: dict[str, list[dict]]) -> None:
    preferred = Counter(row["preferred"] for row in sample["week-3-comparisons.csv.gz"])
    assert 0.02 < preferred["tie"] / preferred.total() < 0.15
    pairs = Counter(
        (item.prompt, frozenset((item.chosen, item.rejected)))
        for item in judged([row for rows in sample.values() for row in rows])
    )
    assert sum(count > 1 for count in pairs.values()) > 200


def test_edits_change_the_answer(sample: dict[str, list[dict]]) -> None:
    assert all(row["edited_response"] != row["response"] for row in sample["week-5-edits.jsonl"])
