"""Folders as `datasets` writes them, read back and ingested."""

import json
import math
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Sequence, Value, load_dataset

from components.errors import FeedbackError
from components.feedback.ingestion import ingest_file
from components.feedback.sources.address import Address, folder_address, parse_address
from components.feedback.sources.hugging_face import fetch


def pairs(count, start=0):
    """Comparisons as hh-rlhf has them."""
    return [
        {
            "chosen": f"\n\nHuman: Is phone {number} loud?\n\nAssistant: It makes {number} dB.",
            "rejected": f"\n\nHuman: Is phone {number} loud?\n\nAssistant: Who knows, {number}.",
        }
        for number in range(start, start + count)
    ]


def rows_of(deliveries):
    (delivery,) = deliveries
    return [json.loads(line) for line in delivery.path.read_text().splitlines()]


@pytest.fixture
def spooled(tmp_path):
    (tmp_path / "spool").mkdir()
    return lambda address: fetch(address, tmp_path / "spool")


def test_a_saved_data_set_is_one_batch_and_again_nothing_new(tmp_path, spooled):
    Dataset.from_list(pairs(30)).save_to_disk(tmp_path / "week-1", num_shards=3)
    (delivery,) = spooled(folder_address(tmp_path / "week-1"))
    assert (delivery.shown, delivery.format) == ("hf://week-1/data.jsonl", None)
    assert rows_of([delivery]) == pairs(30)
    result = ingest_file(delivery.path, tmp_path / "data", shown=delivery.shown)
    assert (result.status, result.accepted) == ("accepted", 30)
    assert result.batch.startswith("hf-week-1-data-")
    manifest = json.loads((tmp_path / "data/feedback" / result.batch / "manifest.json").read_text())
    assert (manifest["file"], manifest["format"]) == ("hf://week-1/data.jsonl", "hh-rlhf")
    # The same rows in other shards are the same bytes.
    Dataset.from_list(pairs(30)).save_to_disk(tmp_path / "again/week-1", num_shards=2)
    (again,) = spooled(folder_address(tmp_path / "again/week-1"))
    assert ingest_file(again.path, tmp_path / "data", shown=again.shown).status == "already_ingested"


def test_a_split_is_named_where_there_are_several(tmp_path, spooled):
    splits = {"train": Dataset.from_list(pairs(4)), "test": Dataset.from_list(pairs(2, start=4))}
    DatasetDict(splits).save_to_disk(tmp_path / "set")
    assert rows_of(spooled(parse_address(f"hf://{tmp_path}/set?split=test"))) == pairs(2, start=4)
    for query, words in (
        ("", "has several splits; it has train, test"),
        ("?split=dev", "has no split 'dev'"),
    ):
        with pytest.raises(FeedbackError, match=words) as caught:
            spooled(parse_address(f"hf://{tmp_path}/set{query}"))
        assert caught.value.remedy == "name one of them: ?split=NAME"


def test_sharded_parquet_is_one_batch(tmp_path, spooled):
    whole = Dataset.from_list(pairs(10))
    (tmp_path / "set/data").mkdir(parents=True)
    for number in range(2):
        name = f"set/data/train-0000{number}-of-00002.parquet"
        whole.shard(2, number, contiguous=True).to_parquet(tmp_path / name)
    (delivery,) = spooled(folder_address(tmp_path / "set"))
    assert rows_of([delivery]) == pairs(10)
    assert delivery.shown == "hf://set/train.jsonl"


def test_what_load_dataset_left_in_its_cache(tmp_path, spooled):
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(pair) + "\n" for pair in pairs(5)))
    loaded = load_dataset("json", data_files=str(tmp_path / "rows.jsonl"), cache_dir=str(tmp_path / "cache"))
    cached = Path(loaded["train"].cache_files[0]["filename"])
    assert cached.suffix == ".arrow"
    assert rows_of(spooled(folder_address(cached.parent))) == pairs(5)


def test_text_files_are_ingested_as_they_are_each_a_batch(tmp_path, spooled):
    folder = tmp_path / "set"
    folder.mkdir()
    for number in range(2):
        rows = "".join(json.dumps(pair) + "\n" for pair in pairs(3, start=3 * number))
        (folder / f"train-{number}.jsonl").write_text(rows + '{"chosen": 1, "chosen": 2}\n')
    (folder / "README.md").write_text("# About\n")
    deliveries = spooled(folder_address(folder))
    assert [delivery.path for delivery in deliveries] == [folder / "train-0.jsonl", folder / "train-1.jsonl"]
    # Our parser sees the file itself: a key given twice is told, with its line.
    result = ingest_file(deliveries[1].path, tmp_path / "data")
    assert (result.accepted, result.reasons) == (3, {"DUP_KEY": 1})


def test_text_files_have_splits_too(tmp_path, spooled):
    for name in ("train.csv", "test.csv"):
        (tmp_path / "set").mkdir(exist_ok=True)
        (tmp_path / "set" / name).write_text("prompt,chosen,rejected\np,NA,null\n")
    (delivery,) = spooled(parse_address(f"hf://{tmp_path}/set?split=test"))
    assert delivery.path == tmp_path / "set/test.csv"
    # "NA" is an answer.
    assert ingest_file(delivery.path, tmp_path / "data").accepted == 1


def test_values_keep_what_they_mean(tmp_path, spooled):
    features = Features(
        {
            "preferred": ClassLabel(names=["b", "a"]),
            "created_at": Value("timestamp[us, tz=Europe/Berlin]"),
            "naive": Value("timestamp[s]"),
            "score": Value("float32"),
            "prompt": [{"role": Value("string"), "content": Value("string")}],
            "tags": Sequence(Value("string")),
        }
    )
    row = {
        "preferred": "a",
        "created_at": datetime(2025, 3, 3, 8, tzinfo=UTC),
        "naive": datetime(2025, 3, 3, 8),
        "score": float("nan"),
        "prompt": [{"role": "user", "content": "hi"}],
        "tags": [],
    }
    empty = dict.fromkeys(row) | {"prompt": [], "tags": []}
    Dataset.from_list([row, empty], features=features).save_to_disk(tmp_path / "set")
    first, second = rows_of(spooled(folder_address(tmp_path / "set")))
    assert math.isnan(first.pop("score"))
    assert first == {
        "preferred": "a",
        "created_at": "2025-03-03T09:00:00+01:00",
        "naive": "2025-03-03T08:00:00",
        "prompt": [{"role": "user", "content": "hi"}],
        "tags": [],
    }
    assert second == empty


def test_pictures_are_refused(tmp_path, spooled):
    rows = [{"prompt": "p", "chosen": [{"image": b"\x89PNG"}], "rejected": []}]
    Dataset.from_list(rows).save_to_disk(tmp_path / "set")
    with pytest.raises(FeedbackError, match="the column 'chosen' holds binary data"):
        spooled(folder_address(tmp_path / "set"))


def test_code_and_pickles_are_not_opened(tmp_path, spooled):
    (tmp_path / "set").mkdir()
    (tmp_path / "set/set.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(FeedbackError, match="scripts are no longer supported") as caught:
        spooled(folder_address(tmp_path / "set"))
    assert "never run" in caught.value.remedy
    (tmp_path / "set/set.py").unlink()
    (tmp_path / "set/train.jsonl").write_text("{}\n")
    (tmp_path / "set/train.pkl").write_bytes(b"cos\nsystem\n(S'touch ran'\ntR.")
    with pytest.raises(FeedbackError, match=r"train\.pkl' and 0 other files are of another kind"):
        spooled(folder_address(tmp_path / "set"))
    assert not (tmp_path / "ran").exists()


def test_a_card_that_points_elsewhere_is_refused(tmp_path, spooled):
    (tmp_path / "secret.jsonl").write_text('{"prompt": "secret"}\n')
    (tmp_path / "set").mkdir()
    (tmp_path / "set/train.jsonl").write_text("{}\n")
    card = "---\nconfigs:\n- config_name: default\n  data_files: ../secret.jsonl\n---\n"
    (tmp_path / "set/README.md").write_text(card)
    with pytest.raises(FeedbackError, match="points at another place"):
        spooled(folder_address(tmp_path / "set"))


def test_a_saved_set_that_points_elsewhere_is_refused(tmp_path, spooled):
    Dataset.from_list(pairs(2)).save_to_disk(tmp_path / "set")
    state = json.loads((tmp_path / "set/state.json").read_text())
    state["_data_files"] = [{"filename": "../other/data.arrow"}]
    (tmp_path / "set/state.json").write_text(json.dumps(state))
    with pytest.raises(FeedbackError, match="outside itself"):
        spooled(folder_address(tmp_path / "set"))
    (tmp_path / "set/state.json").write_text("[]")
    with pytest.raises(FeedbackError, match="describes no data set"):
        spooled(folder_address(tmp_path / "set"))


def test_configurations_are_named(tmp_path, spooled):
    for name in ("en", "de"):
        (tmp_path / "set" / name).mkdir(parents=True)
        Dataset.from_list(pairs(2)).to_parquet(tmp_path / "set" / name / "train.parquet")
    configs = "".join(f"- config_name: {name}\n  data_files: {name}/*.parquet\n" for name in ("en", "de"))
    (tmp_path / "set/README.md").write_text(f"---\nconfigs:\n{configs}---\n")
    with pytest.raises(FeedbackError, match=r"available configs: .*en.*de") as caught:
        spooled(folder_address(tmp_path / "set"))
    assert caught.value.remedy == "name one of them: ?config=NAME"
    with pytest.raises(FeedbackError, match=r"'fr' not found\. Available"):
        spooled(parse_address(f"hf://{tmp_path}/set?config=fr"))
    (delivery,) = spooled(parse_address(f"hf://{tmp_path}/set?config=de"))
    assert delivery.shown == "hf://set/de/train.jsonl"
    assert rows_of([delivery]) == pairs(2)


def test_what_is_broken_or_empty_is_told(tmp_path, spooled):
    Dataset.from_list(pairs(200)).save_to_disk(tmp_path / "set")
    (file,) = (tmp_path / "set").glob("*.arrow")
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(FeedbackError, match="cannot be read"):
        spooled(folder_address(tmp_path / "set"))
    shutil.rmtree(tmp_path / "set")
    (tmp_path / "set").mkdir()
    with pytest.raises(FeedbackError, match="cannot be read"):
        spooled(folder_address(tmp_path / "set"))
    (tmp_path / "set/train.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(FeedbackError, match="cannot be read"):
        spooled(folder_address(tmp_path / "set"))


def test_the_hub_without_a_network(spooled):
    # tests/conftest.py sets HF_HUB_OFFLINE.
    with pytest.raises(FeedbackError, match="cannot be reached") as caught:
        spooled(parse_address("hf://Anthropic/hh-rlhf?split=train"))
    assert "HF_HUB_OFFLINE" in caught.value.remedy
    for name in ("../somewhere", "/not/there", "a/b/c"):
        with pytest.raises(FeedbackError, match="no folder and no name of a data set"):
            spooled(Address("hf", name, {}))
