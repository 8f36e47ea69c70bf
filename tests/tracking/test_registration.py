import json

import mlflow
import pytest
from tracking.fake_workspace import BLOCKED, METRICS, write_reports

from components.files import sha256_file, write_json
from components.tracking.loading import load_version
from components.tracking.origins import origin_of
from components.tracking.overview import look
from components.tracking.registration import register_all
from components.tracking.versions import all_versions, checked_files, get_version


def candidate(tracker, version="1"):
    return get_version(tracker, "reviews-candidate", version)


def test_a_version_each_with_where_it_comes_from(tracker, root):
    done = register_all(tracker, prefect_run="run-7")
    assert {kind: (each.name, each.version, each.created) for kind, each in done.items()} == {
        "sft": ("reviews-sft", "1", True),
        "reward": ("reviews-reward", "1", True),
        "candidate": ("reviews-candidate", "1", True),
    }
    tags = candidate(tracker).tags
    assert tags["dvc.models/policy"] == "3" * 32 + ".dir"
    assert tags["dvc.data/prepared"] == "9" * 32 + ".dir"
    assert tags["feedback_batches"] == "week-1-aaaaaaaa,week-2-bbbbbbbb"
    assert (tags["parent.sft"], tags["parent.reward"]) == ("1", "1")
    assert (tags["prefect_run"], tags["author"], tags["git_commit"]) == ("run-7", "trainer", "none")
    assert (tags["verdict"], tags["reasons"]) == ("READY", "")


def test_what_no_person_judged_is_on_record(tracker, root):
    agreement = {"pairs": 40, "prompts": 40, "accuracy": 0.9, "lower": 0.77, "upper": 0.96, "weight": 0.54}
    automatic = {"rows": 9, "pairs": 3, "share": 0.01, "annotators": {"auto:rules/length": agreement}}
    write_json(root / "reports/prepare.json", {"read": {}, "automatic": automatic})
    register_all(tracker)
    assert candidate(tracker).tags["automatic_pairs"] == "3"
    assert origin_of(tracker, candidate(tracker))["automatic"] == automatic


def test_where_people_judged_everything_no_tag_says_otherwise(tracker, root):
    write_json(root / "reports/prepare.json", {"read": {"pairwise": 5}})
    register_all(tracker)
    assert "automatic_pairs" not in candidate(tracker).tags
    assert origin_of(tracker, candidate(tracker))["automatic"] == {}


def test_the_description_tells_the_figures(tracker):
    register_all(tracker)
    text = candidate(tracker).description
    assert text.startswith(
        "READY. The judge prefers the policy to the SFT model on 71.0% of held-out prompts"
    )
    assert "(95 % interval 65.0% to 77.0%)" in text
    assert "6.10 nats" in text
    assert "ranks 81.0% of held-out pairs" in text


def test_the_files_are_those_of_training_to_the_byte(tracker, root):
    register_all(tracker)
    files = checked_files(tracker, candidate(tracker))
    weights = sha256_file(root / "models/policy/model.safetensors")
    assert sha256_file(files / "model/model.safetensors") == weights
    assert json.loads((files / "manifest.json").read_text())["files"]["model/model.safetensors"] == weights
    assert json.loads((files / "evaluation/metrics.json").read_text()) == METRICS
    assert not [path for path in files.rglob("*") if path.suffix in {".pkl", ".pickle", ".bin", ".pt"}]


def test_registering_again_makes_nothing(tracker):
    first = register_all(tracker)
    again = register_all(tracker)
    assert [each.created for each in again.values()] == [False, False, False]
    assert [each.version for each in again.values()] == [each.version for each in first.values()]
    assert len(all_versions(tracker, "reviews-candidate")) == 1


@pytest.mark.parametrize("kind", ["sft", "reward", "candidate"])
def test_what_was_damaged_is_registered_anew(tracker, kind):
    register_all(tracker)
    (stored,) = all_versions(tracker, tracker.model(kind))
    checked_files(tracker, stored).joinpath("model/model.safetensors").write_bytes(b"damaged")
    again = register_all(tracker)
    assert {name for name, version in again.items() if version.created} == {kind}
    assert again[kind].version == "2"
    assert load_version(tracker, "candidate").reward.joinpath("stars.json").exists()
    assert not [version for version in register_all(tracker).values() if version.created]


def test_the_same_policy_under_other_gates_is_another_candidate(tracker, root):
    register_all(tracker)
    write_reports(root, BLOCKED)
    again = register_all(tracker)
    assert (again["candidate"].version, again["sft"].version) == ("2", "1")
    assert (candidate(tracker, "1").tags["verdict"], candidate(tracker, "2").tags["verdict"]) == (
        "READY",
        "BLOCKED",
    )
    assert candidate(tracker, "2").tags["reasons"] == "win_rate: 0.41 is not above 0.5"


def test_the_candidate_is_that_of_the_last_retraining_not_the_highest_number(tracker, root):
    first = (root / "models/policy/model.safetensors").read_bytes()
    sft = (root / "models/sft/model.safetensors").read_bytes()
    register_all(tracker)
    (root / "models/policy/model.safetensors").write_bytes(sft)
    (root / "models/sft/model.safetensors").write_bytes(first)
    register_all(tracker)
    assert (look(root).candidate["version"], load_version(tracker, "sft").version) == ("2", "2")
    (root / "models/policy/model.safetensors").write_bytes(first)
    (root / "models/sft/model.safetensors").write_bytes(sft)
    again = register_all(tracker)
    assert {(again[kind].version, again[kind].created) for kind in ("sft", "candidate")} == {("1", False)}
    assert look(root).candidate["version"] == "1"
    loaded = load_version(tracker, "candidate")
    assert (loaded.version, loaded.folder.joinpath("model.safetensors").read_bytes()) == ("1", first)
    assert load_version(tracker, "sft").version == "1"


def test_no_gates_is_blocked(tracker, root):
    (root / "reports/gates.json").unlink()
    register_all(tracker)
    assert candidate(tracker).tags["verdict"] == "BLOCKED"


def test_a_verdict_without_gates_is_blocked(tracker, root):
    write_json(root / "reports/gates.json", {"verdict": "READY", "gates": []})
    register_all(tracker)
    assert candidate(tracker).tags["verdict"] == "BLOCKED"


def test_batches_are_those_that_the_stage_read(tracker, root):
    """A batch that came in during training is in the folder, yet not in DVC's listing of what was read."""
    listing = root / ".dvc/cache/files/md5/ff" / ("f" * 30 + ".dir")
    write_json(
        listing,
        [
            {"md5": "0" * 32, "relpath": path}
            for path in (
                "week-1-aaaaaaaa/rows-00000.parquet",
                "week-1-aaaaaaaa/manifest.json",
                "gone/manifest.json",
            )
        ],
    )
    register_all(tracker)
    assert candidate(tracker).tags["feedback_batches"] == "week-1-aaaaaaaa"


def test_mlflow_loads_a_registered_policy(tracker):
    register_all(tracker)
    pipeline = mlflow.transformers.load_model("models:/reviews-candidate/1")
    assert pipeline.model.config.n_embd == 32
    assert pipeline.tokenizer("the battery")["input_ids"]
