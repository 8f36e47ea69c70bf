"""The stage `prepare` on a folder of its own, and its tables read back."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from components.errors import DataError
from components.feedback.ingestion import ingest_file
from components.feedback.simulator import write_feedback
from components.feedback.splits import SPLITS
from components.files import digest_tree
from components.stages.prepare import main
from components.stages.prepared import load_demonstrations, load_preferences, load_prompts, load_ratings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder with params.yaml and no feedback, and the current one."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def prepared(project: Path) -> Path:
    """Simulated feedback, ingested and prepared; nothing was rated."""
    files = write_feedback(project / "files", 5, 300, 200, prompts=120, ratings=0, thumbs=20)
    for path in files:
        assert ingest_file(path).status == "accepted"
    main()
    return project


def test_tables_come_back_as_records(prepared: Path) -> None:
    report = json.loads((prepared / "reports" / "prepare.json").read_text())
    assert report["read"]["pairwise"] == 300
    for split in SPLITS:
        used = {name: sizes[split] for name, sizes in report["used"].items()}
        both = used["preferences_reward"] + used["preferences_judge"]
        assert len(load_demonstrations(split)) == used["demonstrations"] > 0
        assert len(load_preferences(split)) == both > 0
        assert len(load_preferences(split, "judge")) == used["preferences_judge"]
        assert len(load_prompts(split)) == used["prompts"] > 0
    for role in ("reward", "judge"):
        pairs = load_preferences("train", role)
        assert {pair.role for pair in pairs} == {role}
        assert {pair.source for pair in pairs} == {"simulator"}
        assert all(0.5 <= pair.probability <= 1 and 0 < pair.weight <= 1 for pair in pairs)
    judged = {pair.prompt for pair in load_preferences("train", "judge")}
    assert judged.isdisjoint(pair.prompt for pair in load_preferences("train", "reward"))


def test_tables_without_rows_come_back_empty(prepared: Path) -> None:
    assert [load_ratings(split) for split in SPLITS] == [[], [], []]


def test_a_second_run_writes_the_same_bytes(prepared: Path) -> None:
    before = digest_tree(prepared / "data" / "prepared")
    main()
    assert digest_tree(prepared / "data" / "prepared") == before


def test_reading_leaves_no_cache_behind(prepared: Path, tmp_path: Path) -> None:
    """In a process of its own, whose cache folder does not exist yet."""
    home = tmp_path / "home"
    code = "from components.stages.prepared import load_prompts; print(len(load_prompts('test')))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=prepared, capture_output=True, text=True
    )
    assert run.stderr == ""
    assert int(run.stdout) == len(load_prompts("test"))
    assert not home.exists()


def test_no_feedback_is_an_error_in_two_lines(project: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "components.stages.prepare"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    assert run.stderr.splitlines() == [
        "error: there is no accepted feedback in data/feedback",
        "remedy: ingest some: rlhf ingest FILE... (data/samples/ holds simulated feedback to start with)",
    ]


def test_every_line_read_is_accounted_for(prepared: Path) -> None:
    books = json.loads((prepared / "reports" / "prepare.json").read_text())["books"]
    for account in books.values():
        assert sum(count for name, count in account.items() if name != "total") == account["total"]
    manifests = [
        json.loads(path.read_text()) for path in (prepared / "data/feedback").glob("*/manifest.json")
    ]
    assert books["rows in the dataset"]["lines read"] == sum(manifest["read"] for manifest in manifests)
    assert (
        books["rows in the dataset"]["quarantined"] == -sum(batch["quarantined"] for batch in manifests) < 0
    )


def test_a_row_that_nobody_accounts_for_is_an_error(prepared: Path) -> None:
    path = next((prepared / "data/feedback").glob("*comparisons*/manifest.json"))
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {"read": manifest["read"] + 1}))
    before = digest_tree(prepared / "data" / "prepared")
    with pytest.raises(DataError, match=r"books do not close:\n  lines read") as error:
        main()
    assert "dvc checkout data/feedback" in error.value.remedy
    assert digest_tree(prepared / "data" / "prepared") == before


def test_a_failure_leaves_the_tables_as_they_were(prepared: Path) -> None:
    before = digest_tree(prepared / "data" / "prepared")
    shutil.rmtree(prepared / "data" / "feedback")
    with pytest.raises(DataError):
        main()
    assert digest_tree(prepared / "data" / "prepared") == before


def test_tables_that_were_not_written_are_an_error(project: Path) -> None:
    with pytest.raises(DataError, match=r"data/prepared/prompts/test\.parquet not found") as error:
        load_prompts("test")
    assert error.value.remedy == "run the stage that writes it: dvc repro prepare"
