"""The champion where a new candidate is held against it."""

import shutil

import pytest
from tracking.fake_workspace import READY, write_reports
from tracking.test_real_server import free_port

from components.errors import ModelError, RegistryError
from components.files import digest_tree
from components.tracking import production
from components.tracking.production import PLACE, UNKNOWN, keep_known_champion, place_champion
from components.tracking.promotion import promote, rollback
from components.tracking.registration import register_all
from components.tracking.versions import checked_files, get_version


def learn_something_else(root):
    """Another policy than the registered one."""
    shutil.copytree(root / "models/sft", root / "models/policy", dirs_exist_ok=True)


def placed(root):
    return digest_tree(root / PLACE)


def test_without_a_champion_there_is_nothing(root, tracker):
    assert not place_champion(root)
    register_all(tracker)
    assert not place_champion(root)
    assert not (root / PLACE).exists()


def test_without_a_registry_none_is_made(root):
    (root / ".rlhf/mlflow.db").unlink()
    assert not place_champion(root)
    assert not (root / ".rlhf/mlflow.db").exists()


def test_a_new_policy_is_held_against_the_champion(root, tracker):
    champion = digest_tree(root / "models/policy")
    register_all(tracker)
    promote(tracker, "1", "reviewer")
    assert not place_champion(root), "it need not beat itself"
    learn_something_else(root)
    assert place_champion(root)
    assert placed(root) == champion
    assert not place_champion(root), "it lies there already"


def test_after_a_rollback_it_is_the_champion_before(root, tracker):
    first = digest_tree(root / "models/policy")
    register_all(tracker)
    promote(tracker, "1", "reviewer")
    learn_something_else(root)
    second = digest_tree(root / "models/policy")
    write_reports(root, READY)
    promote(tracker, register_all(tracker)["candidate"].version, "reviewer")
    shutil.copytree(root / "models/reward", root / "models/policy", dirs_exist_ok=True)
    place_champion(root)
    assert placed(root) == second
    rollback(tracker, None, "reviewer")
    assert place_champion(root)
    assert placed(root) == first


def test_a_damaged_champion_is_told(root, tracker):
    register_all(tracker)
    promote(tracker, "1", "reviewer")
    learn_something_else(root)
    weights = checked_files(tracker, get_version(tracker, "reviews", "1")) / "model/model.safetensors"
    weights.chmod(0o644)
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x00")
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        place_champion(root)
    assert not (root / PLACE).exists()


def champion_to_lay(root, tracker, other):
    """A champion lies there; now another one is in production."""
    register_all(tracker)
    promote(tracker, "1", "reviewer")
    learn_something_else(root)
    assert place_champion(root)
    write_reports(root, READY)
    promote(tracker, register_all(tracker)["candidate"].version, "reviewer")
    shutil.copytree(other / "reward", root / "models/policy", dirs_exist_ok=True)
    return placed(root)


def test_what_breaks_off_leaves_the_champion_that_lay_there(root, tracker, models, monkeypatch):
    before = champion_to_lay(root, tracker, models)
    copy = shutil.copytree

    def full_disk(source, target, **options):
        copy(source, target, **options)
        next(path for path in sorted(target.rglob("*")) if path.is_file()).unlink()
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(production.shutil, "copytree", full_disk)
        with pytest.raises(OSError, match="No space"):
            place_champion(root)
    assert placed(root) == before
    assert place_champion(root)
    assert placed(root) != before
    assert [path.name for path in (root / PLACE).parent.iterdir() if path.name != ".gitignore"] == [
        PLACE.name
    ]


def test_without_mlflow_the_champion_that_lay_there_stays(root, tracker, models, monkeypatch):
    before = champion_to_lay(root, tracker, models)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(RegistryError, match=r"127\.0\.0\.1") as away:
        place_champion(root)
    assert "MLFLOW_TRACKING_URI" in away.value.remedy
    assert placed(root) == before


def test_a_champion_that_nobody_could_name_is_not_none(root, tracker, monkeypatch):
    register_all(tracker)
    promote(tracker, "1", "reviewer")
    learn_something_else(root)
    keep_known_champion(root)
    assert (root / UNKNOWN).exists()
    assert place_champion(root)
    assert not (root / UNKNOWN).exists()
    keep_known_champion(root)
    assert not (root / UNKNOWN).exists(), "what lies there is what must be beaten"
