"""`rlhf clean` on a workspace that has lived a while: what goes, and that all that stays is whole."""

import json
import shutil
import subprocess

import pytest
import yaml
from cleaning.cleaned_case import STRICT, do, numbers, state
from cleaning.conftest import BATCH, ROWS, dvc, withdraw
from mlflow.entities import ViewType

from components.cleaning.cleaning import look
from components.cleaning.dvc_objects import FEEDBACK
from components.cleaning.item import used
from components.cleaning.references import named
from components.cleaning.runs import KIND
from components.cleaning.versions import FILES, VERSIONS
from components.cleaning.withdrawn import HEAD
from components.errors import RegistryError, RlhfError
from components.files import write_text
from components.locks import exclusive
from components.tracking.dvc_cache import md5_file
from components.tracking.loading import load_version
from components.tracking.promotion import rollback
from components.tracking.tracker import connect
from components.tracking.versions import all_versions, get_version


def names(found, kind):
    return {item.name for item in found.items if item.kind == kind}


def measured(root):
    return used(root / name for name in (".rlhf", ".dvc", "models", "reports", "data"))


def test_looking_changes_nothing_and_tells_what_cleaning_does(root):
    before = state(root)
    seen = look(root, STRICT)
    assert state(root) == before
    done = do(root)
    assert done.refused == []
    assert {item.name for item in done.items} == {item.name for item in seen.items}
    assert names(done, VERSIONS) == {
        "reviews version 1",
        *(f"reviews-candidate version {number}" for number in (1, 2, 3, 4)),
        "reviews-sft version 1",
        "reviews-reward version 1",
    }


def test_what_stays_is_whole_loads_and_rolls_back(root):
    done = do(root)
    found = state(root)
    assert found["versions"] == {
        "champion": ["2", "3"],
        # 5 waits for a reviewer, 6 is the newest.
        "candidate": ["5", "6"],
        # 2 is what the reward model was made from, the others belong to what stays.
        "sft": ["2", "3", "4", "5", "6"],
        "reward": ["2"],
    }
    assert (found["mismatches"], found["faults"], found["deleted"]) == ([], [], ["1"])
    assert not [said for said in found["unchecked"] if "DVC's cache" in said]
    # Two of production, two candidates, five SFT models, a reward model.
    assert found["places"] == 10
    assert dvc(root, "status").strip() == "Data and pipelines are up to date."
    tracker = connect(root)
    assert rollback(tracker, None, "chief").version == "2"
    load_version(tracker, "champion")
    with pytest.raises(RegistryError, match="no champion before"):
        rollback(tracker, None, "chief")
    assert done.after == measured(root)
    assert done.before - done.after > sum(item.size for item in done.items) * 0.9
    assert do(root).items == []


def test_withdrawn_rows_go_where_no_version_that_stays_learned_from_them(root):
    tracker = connect(root)
    first, second = (_rows_of(tracker, number) for number in ("1", "2"))
    objects = state(root)["objects"]
    assert {first[2:], second[2:]} <= set(objects)
    done = do(root)
    left = set(state(root)["objects"])
    assert first[2:] not in left
    assert any(first[2:] in name for name in names(done, FEEDBACK))
    # The champion before the present one, and its parents, learned from what left after it.
    assert second[2:] in left
    assert done.held == {
        BATCH: [
            "reviews version 2",
            "reviews-reward version 2",
            "reviews-sft version 2",
            "reviews-sft version 3",
        ]
    }


def test_what_git_names_of_withdrawn_rows_is_said_until_it_is_committed(root):
    for words in (
        ("init", "--quiet"),
        ("add", "data/feedback.dvc"),
        ("commit", "--quiet", "--message", "feedback"),
    ):
        git(root, *words)
    rows = md5_file(root / ROWS)
    withdraw(root, 1)
    assert HEAD in do(root).held[BATCH]
    assert rows[2:] in state(root)["objects"]
    git(root, "commit", "--quiet", "--all", "--message", "withdrawn")
    assert HEAD not in do(root).held[BATCH]


def test_of_a_committed_lock_the_outputs_stay_and_not_what_was_read(tmp_path):
    lock = {
        "deps": [{"path": "data/feedback", "md5": "f" * 32 + ".dir"}],
        "outs": [{"path": "x", "md5": "a" * 32}],
    }
    write_text(tmp_path / "dvc.lock", yaml.safe_dump({"schema": "2.0", "stages": {"prepare": lock}}))
    for words in (("init", "--quiet"), ("add", "dvc.lock"), ("commit", "--quiet", "--message", "lock")):
        git(tmp_path, *words)
    assert named(tmp_path, []) == {"a" * 32}
    (tmp_path / "dvc.lock").write_text("stages: [")
    with pytest.raises(RlhfError, match="cannot be read"):
        named(tmp_path, [])


def git(root, *words):
    known = ["-c", "user.name=tester", "-c", "user.email=tester@example.org"]
    subprocess.run(["git", *known, *words], cwd=root, check=True)


def test_what_people_track_elsewhere_stays(root):
    write_text(root / "base/prompts.txt", "Which one is better?")
    dvc(root, "add", "--quiet", "base/prompts.txt")
    md5 = md5_file(root / "base/prompts.txt")
    do(root)
    assert md5[2:] in state(root)["objects"]


def _rows_of(tracker, number):
    from components.cleaning.keeping import Registry

    version = get_version(tracker, "reviews", number)
    return Registry(tracker, {}, set()).lineage(version)["feedback_files"][
        ROWS.removeprefix("data/feedback/")
    ]


def test_a_day_of_grace_keeps_everything(root):
    before = state(root)
    done = do(root, STRICT.model_copy(update={"grace_days": 1.0}))
    assert done.items == []
    assert state(root) == before


def test_runs_that_no_version_names_go_for_good(root):
    do(root)
    tracker = connect(root)
    named = {
        each.run_id for kind in ("champion", "candidate", "sft", "reward") for each in _all(tracker, kind)
    }
    done = do(root, STRICT.model_copy(update={"runs_days": 0.0}))
    runs = tracker.client.search_runs([tracker.experiment], "", 3, max_results=1000)
    left = {run.info.run_id for run in runs}
    assert named <= left
    assert {item.name.split()[-1] for item in done.items}.isdisjoint(left)
    assert not state(root)["mismatches"]
    # The stages at hand are on record: recording them again makes nothing new.
    from components.tracking.registration import register_all

    assert not any(each.created for each in register_all(tracker).values())


def test_deleted_runs_go_for_good_also_where_a_server_keeps_them_in_this_database(
    root, monkeypatch, tmp_path
):
    """Another address of the same database, as that of `rlhf up`'s server is."""
    (tmp_path / "elsewhere").symlink_to(root)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/elsewhere/.rlhf/mlflow.db")
    tracker = connect(root)
    theirs = tracker.client.create_experiment("somebody's")
    tracker.client.delete_experiment(theirs)
    gone = do(root, STRICT.model_copy(update={"runs_days": 0.0}))
    assert any(item.kind == KIND for item in gone.items)
    assert tracker.client.search_runs([tracker.experiment], "", ViewType.DELETED_ONLY) == []
    tracker.client.restore_experiment(theirs)
    assert tracker.client.get_experiment(theirs).name == "somebody's"


def test_versions_and_the_runs_that_made_them_go_at_once_and_are_counted_once(root):
    params = STRICT.model_copy(update={"runs_days": 0.0})
    seen = look(root, params)
    runs = connect(root).client.search_runs([connect(root).experiment], max_results=1000)
    before = _bytes_of(root, runs)
    told = sum(item.size for item in seen.items if item.kind in (VERSIONS, KIND))
    done = do(root, params)
    assert {item.name for item in done.items} == {item.name for item in seen.items}
    assert look(root, params).items == []
    assert before - _bytes_of(root, runs) == told


def _bytes_of(root, runs):
    files = [path for run in runs for path in (root / ".rlhf/mlartifacts" / run.info.run_id).rglob("*")]
    return sum(path.stat().st_size for path in files if path.is_file())


def _all(tracker, kind):
    return all_versions(tracker, tracker.model(kind))


def test_what_the_registry_refuses_to_remove_stays_with_all_that_it_rests_on(root, monkeypatch):
    """Simulated: the client says what a server says to a login without the right."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import PERMISSION_DENIED

    delete = MlflowClient.delete_model_version

    def refuse(self, name, version):
        if name == "reviews":
            raise MlflowException("Permission denied", error_code=PERMISSION_DENIED)
        delete(self, name, version)

    monkeypatch.setattr(MlflowClient, "delete_model_version", refuse)
    first = _rows_of(connect(root), "1")
    done = do(root, STRICT.model_copy(update={"runs_days": 0.0}))
    ((item, reason),) = done.refused
    assert (item.name, reason) == ("reviews version 1", "MLflow refuses: Permission denied")
    found = state(root)
    assert found["versions"]["champion"] == ["1", "2", "3"]
    assert (found["mismatches"], found["faults"], found["deleted"]) == ([], [], [])
    assert get_version(connect(root), "reviews", "1").run_id not in {
        item.name.split()[-1] for item in done.items
    }
    assert not [said for said in found["unchecked"] if "DVC's cache" in said]
    assert first[2:] in found["objects"]


def test_nothing_goes_while_what_a_version_rests_on_cannot_be_told(root):
    tracker = connect(root)
    version = get_version(tracker, "reviews", "3")
    place = version.source.removeprefix("file://")
    lineage = root / ".rlhf" / place.split("/.rlhf/")[1] / "lineage.json"
    content = lineage.read_text()
    lineage.write_text("{}")
    before = measured(root)
    with pytest.raises(RegistryError, match="reviews version 3 does not say what it rests on"):
        do(root)
    assert measured(root) == before
    lineage.write_text(content)
    assert do(root).items


def registered_elsewhere(tracker, name, source):
    tracker.client.create_registered_model(name)
    return tracker.client.create_model_version(name, source)


def test_what_versions_under_other_names_use_stays(root):
    """A copy of candidate 3, one of the files of candidate 2, and one that names the run of candidate 1."""
    from mlflow.artifacts import download_artifacts

    tracker = connect(root)
    first, second, third = (get_version(tracker, "reviews-candidate", number) for number in "123")
    copies = [
        tracker.client.copy_model_version(f"models:/{third.name}/{third.version}", "reviews-eu"),
        registered_elsewhere(tracker, "staging", f"{second.source}/model"),
        registered_elsewhere(tracker, "other", f"runs:/{first.run_id}/{first.source.rpartition('/')[2]}"),
    ]
    do(root, STRICT.model_copy(update={"runs_days": 0.0}))
    assert numbers(tracker, "candidate") == ["1", "2", "3", "5", "6"]
    for copy in copies:
        uri = tracker.client.get_model_version_download_uri(copy.name, copy.version)
        assert download_artifacts(artifact_uri=uri, tracking_uri=tracker.uri)
    assert state(root)["mismatches"] == []


def test_files_of_no_version_of_ours_that_another_name_uses_stay(root):
    tracker = connect(root)
    run = get_version(tracker, "reviews-candidate", "1").run_id
    for place in ("candidate-00000001", "candidate-00000002"):
        tracker.client.log_text(run, "{}", f"{place}/manifest.json")
    uri = tracker.client.get_run(run).info.artifact_uri
    registered_elsewhere(tracker, "staging", f"{uri}/candidate-00000001")
    done = do(root)
    assert [name for name in names(done, FILES) if name.endswith("00000002")]
    assert not [name for name in names(done, FILES) if name.endswith("00000001")]


def test_another_registry_does_not_say_what_this_workspace_needs(root, database, tmp_path, monkeypatch):
    """As on the host of deploy/compose, where MLFLOW_TRACKING_URI is set in the container alone."""
    before = measured(root)
    shutil.copy(database, tmp_path / "other.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/other.db")
    for act in (do, lambda root: look(root, STRICT)):
        with pytest.raises(
            RegistryError, match="tells of the champion reviews version 3, and the registry at"
        ):
            act(root)
    (root / ".rlhf/audit.jsonl").unlink()
    with pytest.raises(RegistryError, match=r"versions were registered in sqlite:///.*/.rlhf/mlflow.db, and"):
        do(root)
    (root / ".rlhf/registry").unlink()
    (root / ".rlhf/versions/reviews/3/model").mkdir(parents=True)
    with pytest.raises(RegistryError, match=r"\.rlhf/versions/reviews/3 is the copy of a registered version"):
        do(root)
    assert abs(measured(root) - before) < 100_000


def test_no_registry_does_not_say_either(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert look(tmp_path, STRICT).items == []
    (tmp_path / ".rlhf").mkdir()
    (tmp_path / ".rlhf/registry").write_text("http://mlflow:5000\n")
    with pytest.raises(RegistryError, match="registered in http://mlflow:5000") as caught:
        look(tmp_path, STRICT)
    assert "set MLFLOW_TRACKING_URI" in caught.value.remedy


def test_a_broken_log_keeps_every_production_version(root):
    with (root / ".rlhf/audit.jsonl").open("a") as log:
        log.write("{}\n")
    do(root)
    assert numbers(connect(root), "champion") == ["1", "2", "3"]


def test_the_remote_in_the_workspace_is_swept_and_what_is_at_hand_can_be_fetched(root):
    dvc(root, "push", "--quiet")
    remote = root / ".rlhf/dvc-remote/files/md5"
    stray = remote / "ab" / ("c" * 30)
    stray.parent.mkdir(exist_ok=True)
    stray.write_text("nobody's")
    do(root)
    assert not stray.exists()
    rows = md5_file(root / ROWS)
    assert (remote / rows[:2] / rows[2:]).exists()


def test_the_command_shows_first_and_removes_when_told_to(root, rlhf):
    params = yaml.safe_load((root / "params.yaml").read_text())
    params["retention"] |= {"candidates": 1, "production": 2}
    (root / "params.yaml").write_text(yaml.safe_dump(params))
    status, out, err = rlhf("clean", "--older-than", "0", "--json")
    seen = json.loads(out)
    assert (status, seen["removed"], seen["bytes_before"]) == (0, False, seen["bytes_after"])
    assert "next: `rlhf clean --yes` removes it" in err
    status, out, _ = rlhf("clean", "--older-than", "0", "--yes", "--list")
    assert status == 0
    assert all(item["name"] in out for item in seen["items"])
    assert f"withdrawn rows of {BATCH} are kept in DVC's cache for reviews version 2, " in out
    assert "MB are free" in out
    status, out, _ = rlhf("audit")
    assert status == 0
    assert "delete    version 1 (candidate 1; before: none), run by cleaner: older than the champions" in out
    status, out, _ = rlhf("clean", "--older-than", "0")
    assert (status, "nothing" in out) == (0, True)
    with exclusive(root / ".rlhf/retrain.lock"):
        assert rlhf("clean", "--yes")[0] == 5
