"""The licence that the card of a data set of Hugging Face names: from its front matter to the manifest and our card."""

import json

import pytest
from batch_files import pairs
from datasets import Dataset
from hub_stand_in import hub
from prepare_rows import PARAMS
from test_source_hub import on_the_hub

from components.errors import FeedbackError
from components.feedback import store
from components.feedback.ingestion import ingest_file
from components.feedback.report.card import data_card
from components.feedback.report.dataset import dataset_figures
from components.feedback.report.licences import licences_by_source
from components.feedback.sources.address import folder_address
from components.feedback.sources.hugging_face import fetch


@pytest.fixture
def ingested(tmp_path, workspace):
    """Ingests the one file of a folder; its manifest."""
    (tmp_path / "spool").mkdir()

    def ingest(folder):
        (delivery,) = fetch(folder_address(folder), tmp_path / "spool")
        result = ingest_file(delivery.path, workspace.root, shown=delivery.shown)
        return workspace.manifest(result)

    return ingest


def _parquet(folder, front_matter):
    folder.mkdir()
    Dataset.from_list(pairs(3)).to_parquet(folder / "train.parquet")
    (folder / "README.md").write_text(f"---\n{front_matter}\n---\n# Pairs\n")
    return folder


@pytest.mark.parametrize(
    ("front_matter", "licence"),
    [
        ("license: cc-by-4.0", "cc-by-4.0"),
        ("license: [mit, apache-2.0]", "mit AND apache-2.0"),
        ("license: other\nlicense_name: llama3", "llama3"),
        ("license: other", "other"),
        ("license: unknown", None),
        ("license: [mit, unknown]", None),
        ("license: []", None),
        ("license:", None),
        ('license: "[More Information Needed]"', None),
        ("license: {a: 1}", None),
        ("language: en", None),
        ("", None),
    ],
)
def test_the_licence_of_a_card(tmp_path, ingested, front_matter, licence):
    assert ingested(_parquet(tmp_path / "set", front_matter))["licence"] == licence


def test_our_card_names_it(tmp_path, ingested, workspace):
    batch = ingested(_parquet(tmp_path / "set", "license: cc-by-4.0"))["batch"]
    rows = store.scan_rows(workspace.root / "feedback" / batch)
    (manifest,) = store.list_manifests(workspace.root)
    card = data_card(
        [manifest], dataset_figures(rows, PARAMS), "reviews", licences_by_source([(manifest, rows)])
    )
    assert "license: cc-by-4.0" in card.split("---\n")[1]


def test_a_saved_set_and_one_without_a_card(tmp_path, ingested):
    Dataset.from_list(pairs(3)).save_to_disk(tmp_path / "saved")
    (tmp_path / "saved/README.md").write_text("---\nlicense: mit\n---\n")
    assert ingested(tmp_path / "saved")["licence"] == "mit"
    Dataset.from_list(pairs(4)).save_to_disk(tmp_path / "bare")
    assert ingested(tmp_path / "bare")["licence"] is None


def test_text_files_are_read_as_they_are_with_the_licence(tmp_path, ingested):
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    (folder / "train.csv").write_text("prompt,chosen,rejected\np,NA,null\n")
    manifest = ingested(folder)
    assert (manifest["file"], manifest["licence"], manifest["accepted"]) == ("train.csv", "mit", 1)
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "train.csv"]
    # What the sender declares of the file itself goes first.
    (folder / "train.csv").write_text("prompt,chosen,rejected\nq,NA,null\n")
    (folder / "train.csv.declared.json").write_text(json.dumps({"licence": "CC0-1.0"}))
    assert ingested(folder)["licence"] == "CC0-1.0"


@pytest.mark.parametrize("front_matter", ["license: [mit", "- mit"])
def test_a_card_that_cannot_be_read(tmp_path, spool_of, front_matter):
    Dataset.from_list(pairs(3)).save_to_disk(tmp_path / "set")
    (tmp_path / "set/README.md").write_text(f"---\n{front_matter}\n---\n")
    with pytest.raises(FeedbackError, match=r"set: the front matter of its README\.md is no YAML") as caught:
        spool_of(tmp_path / "set")
    assert caught.value.remedy == "mend it: it names the licence"


@pytest.fixture
def spool_of(tmp_path):
    (tmp_path / "spool").mkdir()
    return lambda folder: fetch(folder_address(folder), tmp_path / "spool")


def test_a_card_of_the_hub(tmp_path):
    line = b'{"prompt":"p","chosen":"c","rejected":"b"}'
    files = {"train.jsonl": line, "README.md": b"---\nlicense: cc-by-4.0\n---\n"}
    with hub({"team/lines": files}) as url:
        (found,) = on_the_hub(url, tmp_path, "hf://team/lines")
    assert found == f"hf://team/lines/train.jsonl ['{line.decode()}']"
    assert json.loads((tmp_path / "text-0.declared.json").read_text()) == {"licence": "cc-by-4.0"}
