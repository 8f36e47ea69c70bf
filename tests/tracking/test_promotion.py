import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
from tracking.fake_workspace import BLOCKED, READY, write_reports
from tracking.promotion_case import audit, flip_a_bit, killed_at, register_another, stored

from components.errors import PromotionRefusedError, RegistryError
from components.files import digest_of, digest_tree, sha256_file, write_json, write_text
from components.locks import exclusive
from components.tracking.loading import load_version
from components.tracking.overview import look
from components.tracking.promotion import promote, rollback
from components.tracking.registration import register_all
from components.tracking.reviewing import look_at_candidate, refuse_incomplete
from components.tracking.rules import author_of
from components.tracking.verdict import read_verdict
from components.tracking.versions import all_versions, champion_of, get_version


def test_the_champion_is_a_copy_with_the_same_digest(tracker, root):
    register_all(tracker)
    done = promote(tracker, "1", "reviewer")
    assert (done.model, done.version, done.candidate, done.previous, done.changed) == (
        "reviews",
        "1",
        "1",
        None,
        True,
    )
    theirs, ours = stored(tracker, "reviews-candidate", "1"), stored(tracker, "reviews", "1")
    assert theirs != ours
    assert (theirs / "manifest.json").read_bytes() == (ours / "manifest.json").read_bytes()
    tags = get_version(tracker, "reviews", "1").tags
    assert (tags["candidate_version"], tags["approver"], tags["verdict"]) == ("1", "reviewer", "READY")


def test_the_champion_survives_what_happens_to_the_candidate(tracker):
    register_all(tracker)
    weights = stored(tracker, "reviews-candidate", "1") / "model/model.safetensors"
    digest = sha256_file(weights)
    promote(tracker, "1", "reviewer")
    weights.write_bytes(b"overwritten")
    loaded = load_version(tracker, "champion")
    assert sha256_file(loaded.folder / "model.safetensors") == digest


def test_a_blocked_candidate_is_refused_with_the_reason(tracker, root):
    write_reports(root, BLOCKED)
    register_all(tracker)
    with pytest.raises(PromotionRefusedError, match=r"BLOCKED: win_rate: 0.41 is not above 0.5"):
        promote(tracker, "1", "reviewer")
    assert champion_of(tracker) is None
    assert not (root / ".rlhf/audit.jsonl").exists()


def test_a_verdict_tag_does_not_unblock(tracker, root):
    write_reports(root, BLOCKED)
    register_all(tracker)
    tracker.client.set_model_version_tag("reviews-candidate", "1", "verdict", "READY")
    with pytest.raises(PromotionRefusedError, match="BLOCKED"):
        promote(tracker, "1", "reviewer")


def test_no_gates_is_refused(tracker, root):
    (root / "reports/gates.json").unlink()
    register_all(tracker)
    with pytest.raises(PromotionRefusedError, match="no gates were measured"):
        promote(tracker, "1", "reviewer")


@pytest.mark.parametrize("approver", ["trainer", " Trainer "])
def test_nobody_approves_their_own_training(tracker, approver):
    register_all(tracker)
    with pytest.raises(PromotionRefusedError, match="may not approve it") as caught:
        promote(tracker, "1", approver)
    assert "`RLHF_AUTHOR=NAME rlhf retrain`" in caught.value.remedy


def test_somebody_must_approve(tracker):
    register_all(tracker)
    with pytest.raises(PromotionRefusedError, match="no approver"):
        promote(tracker, "1", "  ")


def rewrite_manifest(path):
    """As one would who changes the weights and then tells the manifest."""
    flip_a_bit(path)
    manifest = path.parents[1] / "manifest.json"
    content = json.loads(manifest.read_text())
    content["files"]["model/model.safetensors"] = sha256_file(path)
    write_json(manifest, content)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (flip_a_bit, r"model\.safetensors: SHA-256 is"),
        (rewrite_manifest, "the digest is not the registered"),
        (lambda path: path.unlink(), r"model\.safetensors is missing"),
        (lambda path: (path.parent / "extra.py").write_text("x"), r"extra\.py is not in the manifest"),
        (lambda path: (path.parents[1] / "manifest.json").unlink(), r"manifest\.json not found"),
        (
            lambda path: (path.parents[1] / "manifest.json").write_text('{"files'),
            r"manifest\.json is no manif",
        ),
        (
            lambda path: (path.parents[1] / "manifest.json").write_bytes(b"\xff"),
            r"manifest\.json is no manif",
        ),
        (lambda path: (path.parents[1] / "manifest.json").write_text("[]"), r"manifest\.json is no manifest"),
        (lambda path: shutil.rmtree(path.parents[1]), "not found"),
    ],
)
def test_a_tampered_version_is_refused(tracker, harm, message):
    register_all(tracker)
    harm(stored(tracker, "reviews-candidate", "1") / "model/model.safetensors")
    with pytest.raises(PromotionRefusedError, match=message):
        promote(tracker, "1", "reviewer")
    assert all_versions(tracker, "reviews") == []


def test_a_damaged_candidate_is_promoted_once_it_is_registered_again(tracker):
    register_all(tracker)
    flip_a_bit(stored(tracker, "reviews-candidate", "1") / "model/model.safetensors")
    again = register_all(tracker)["candidate"]
    assert (again.version, again.created) == ("2", True)
    assert promote(tracker, "2", "reviewer").candidate == "2"


def test_a_damaged_production_copy_is_replaced(tracker, root):
    register_all(tracker)
    promote(tracker, "1", "reviewer")
    promote(tracker, register_another(tracker, root, "2"), "reviewer")
    weights = stored(tracker, "reviews", "2") / "model/model.safetensors"
    digest = sha256_file(weights)
    flip_a_bit(weights)
    done = promote(tracker, "2", "reviewer")
    assert (done.version, done.candidate, done.previous, done.changed) == ("3", "2", "2", True)
    assert sha256_file(stored(tracker, "reviews", "3") / "model/model.safetensors") == digest
    assert promote(tracker, "2", "reviewer").changed is False
    assert rollback(tracker, None, "chief").version == "1"


def test_promoting_twice_is_once(tracker, root):
    register_all(tracker)
    first = promote(tracker, "1", "reviewer")
    again = promote(tracker, "1", "reviewer")
    assert (first.version, first.changed, again.version, again.changed) == ("1", True, "1", False)
    assert len(all_versions(tracker, "reviews")) == 1
    assert len(audit(root)) == 1


@pytest.mark.parametrize("act", [promote, rollback])
def test_who_changes_the_champion_waits_for_who_is_at_it(tracker, root, act):
    register_all(tracker)
    promote(tracker, "1", "reviewer")
    promote(tracker, register_another(tracker, root, "2"), "reviewer")
    with ThreadPoolExecutor() as pool:
        with exclusive(root / ".rlhf/promote.lock"):
            waiting = pool.submit(act, tracker, "1", "chief")
            with pytest.raises(TimeoutError):
                waiting.result(timeout=2)
            assert champion_of(tracker) == "2"
        assert waiting.result().version == "1"
    assert champion_of(tracker) == "1"


def test_a_kill_before_the_alias_leaves_the_old_champion(tracker, root, monkeypatch):
    register_all(tracker)
    promote(tracker, "1", "reviewer")
    second = register_another(tracker, root, "2")

    with killed_at("_crown", monkeypatch):
        promote(tracker, second, "reviewer")
    assert champion_of(tracker) == "1"
    assert promote(tracker, second, "reviewer").version == "2"
    assert len(all_versions(tracker, "reviews")) == 2


def test_a_kill_between_upload_and_version_leaves_one_version(tracker, monkeypatch):
    register_all(tracker)
    with killed_at("create_version", monkeypatch):
        promote(tracker, "1", "reviewer")
    assert promote(tracker, "1", "reviewer").version == "1"
    assert len(all_versions(tracker, "reviews")) == 1


def test_rollback_goes_to_what_was_champion_before_not_to_the_number_below(tracker, root):
    register_all(tracker)
    promote(tracker, "1", "reviewer")
    promote(tracker, register_another(tracker, root, "2"), "reviewer")
    rollback(tracker, None, "chief")
    promote(tracker, register_another(tracker, root, "3"), "reviewer")
    assert champion_of(tracker) == "3"
    assert rollback(tracker, None, "chief").version == "1"
    assert rollback(tracker, "2", "chief").version == "2"


def test_rollback_with_nothing_before_says_so(tracker):
    register_all(tracker)
    with pytest.raises(RegistryError, match="no champion yet"):
        rollback(tracker, None, "chief")
    promote(tracker, "1", "reviewer")
    with pytest.raises(RegistryError, match="no champion before version 1"):
        rollback(tracker, None, "chief")
    with pytest.raises(RegistryError, match="has no version 9") as caught:
        rollback(tracker, "9", "chief")
    assert caught.value.remedy == "versions of reviews: 1"


def test_rollback_to_damaged_files_is_refused(tracker, root):
    register_all(tracker)
    promote(tracker, "1", "reviewer")
    promote(tracker, register_another(tracker, root, "2"), "reviewer")
    flip_a_bit(stored(tracker, "reviews", "1") / "model/model.safetensors")
    with pytest.raises(PromotionRefusedError, match="SHA-256"):
        rollback(tracker, None, "chief")
    assert champion_of(tracker) == "2"


def test_loading_checks_the_files_and_finds_the_reward_model(tracker):
    register_all(tracker)
    with pytest.raises(RegistryError, match="no champion yet"):
        load_version(tracker, "champion")
    promote(tracker, "1", "reviewer")
    for kind, name in (("champion", "reviews"), ("candidate", "reviews-candidate"), ("sft", "reviews-sft")):
        loaded = load_version(tracker, kind)
        assert (loaded.name, loaded.version) == (name, "1")
        assert (loaded.reward / "stars.json").exists()
    flip_a_bit(load_version(tracker, "champion").folder / "model.safetensors")
    with pytest.raises(Exception, match="SHA-256"):
        load_version(tracker, "champion")


def test_only_what_was_shown_is_promoted(tracker):
    register_all(tracker)
    with pytest.raises(
        PromotionRefusedError, match="version 1 is not what was shown: its SHA-256 was 0a0a0a0a"
    ):
        promote(tracker, "1", "reviewer", shown="0a0a0a0a")
    with pytest.raises(PromotionRefusedError, match="too short"):
        promote(tracker, "1", "reviewer", shown="0a")
    assert champion_of(tracker) is None
    shown = look_at_candidate(tracker, "1").digest
    assert promote(tracker, "1", "reviewer", shown=shown[:8].upper()).digest == shown


@pytest.mark.parametrize(
    ("approver", "reason", "declines", "message"),
    [
        (" ", "too long", True, "no approver"),
        ("ada", "\n", True, "without a reason"),
        ("", "", False, "no approver"),
    ],
)
def test_an_answer_that_lacks_something_is_refused(approver, reason, declines, message):
    with pytest.raises(PromotionRefusedError, match=message):
        refuse_incomplete(approver, reason, declines=declines)
    refuse_incomplete("ada", reason if not declines else "too long", declines=declines)


def test_rollbacks_go_back_step_by_step_and_never_in_circles(tracker, root):
    register_all(tracker)
    promote(tracker, "1", "reviewer")
    for number in ("2", "3"):
        promote(tracker, register_another(tracker, root, number), "reviewer")
    promote(tracker, "2", "reviewer")
    went = [rollback(tracker, None, "chief").version for _ in range(3)]
    assert went == ["3", "2", "1"]
    with pytest.raises(RegistryError, match="no champion before version 1"):
        rollback(tracker, None, "chief")


def test_a_second_copy_of_the_same_files_is_not_what_was_before(tracker, root):
    register_all(tracker)
    promote(tracker, "1", "reviewer")
    promote(tracker, register_another(tracker, root, "2"), "reviewer")
    flip_a_bit(stored(tracker, "reviews", "2") / "model/model.safetensors")
    assert promote(tracker, "2", "reviewer").version == "3"
    assert rollback(tracker, None, "chief").version == "1"


def made_by_hand(tracker, candidate):
    """A version of the production model that no promotion made: it points at the candidate's own files."""
    found = get_version(tracker, "reviews-candidate", candidate)
    tags = {"sha256": found.tags["sha256"], "candidate_version": candidate}
    made = tracker.client.create_model_version("reviews", found.source, run_id=found.run_id, tags=tags)
    return str(made.version)


def test_a_rollback_is_no_way_round_the_rules(tracker, root):
    register_all(tracker)
    promote(tracker, "1", "reviewer")
    write_reports(root, BLOCKED)
    blocked = made_by_hand(tracker, register_all(tracker)["candidate"].version)
    with pytest.raises(PromotionRefusedError, match="BLOCKED"):
        rollback(tracker, blocked, "chief")
    write_reports(root, READY | {"note": "ready"})
    ready = made_by_hand(tracker, register_all(tracker)["candidate"].version)
    with pytest.raises(PromotionRefusedError, match="may not approve it"):
        rollback(tracker, ready, "trainer")
    assert champion_of(tracker) == "1"
    assert rollback(tracker, ready, "chief").version == ready


def test_a_promotion_makes_a_copy_of_its_own(tracker):
    register_all(tracker)
    tracker.client.create_registered_model("reviews")
    by_hand = made_by_hand(tracker, "1")
    done = promote(tracker, "1", "reviewer")
    assert done.version != by_hand
    assert (
        get_version(tracker, "reviews", done.version).source
        != get_version(tracker, "reviews", by_hand).source
    )


def test_a_champion_without_tags_is_replaced_and_shown(tracker, root):
    register_all(tracker)
    found = get_version(tracker, "reviews-candidate", "1")
    tracker.client.create_registered_model("reviews")
    tracker.client.create_model_version("reviews", found.source, run_id=found.run_id)
    tracker.client.set_registered_model_alias("reviews", "champion", "1")
    assert look(root).champion["approver"] is None
    assert promote(tracker, "1", "reviewer").previous == "1"


def test_without_its_reward_model_nothing_is_promoted(tracker):
    register_all(tracker)
    flip_a_bit(stored(tracker, "reviews-reward", "1") / "model/model.safetensors")
    with pytest.raises(PromotionRefusedError, match=r"model\.safetensors: SHA-256 is"):
        promote(tracker, "1", "reviewer")
    assert champion_of(tracker) is None


@pytest.mark.parametrize(
    "content", [[], {"verdict": "READY", "gates": [3]}, {"verdict": "READY", "gates": {"a": 1}}]
)
def test_gates_that_are_none_block(tmp_path, content):
    write_json(tmp_path / "gates.json", content)
    assert not read_verdict(tmp_path / "gates.json").is_ready


@pytest.mark.parametrize("content", ["[]", '{"author_of": 1}', "{"])
def test_who_trained_must_be_told(tmp_path, content):
    (tmp_path / "lineage.json").write_text(content)
    with pytest.raises(PromotionRefusedError, match="does not say who trained it"):
        author_of(tmp_path)


def register_measured_against(tracker, root, champion, note):
    """A READY candidate with a policy of its own, whose figures tell of this champion."""
    write_text(root / "models/policy/note.txt", note)
    write_reports(root, READY | {"note": note})
    write_json(root / "reports/metrics.json", {"champion": champion})
    return register_all(tracker)["candidate"].version


def test_who_never_met_the_present_champion_does_not_replace_it(tracker, root):
    nobody = {"exists": False}
    first, second = (register_measured_against(tracker, root, nobody, note) for note in ("1", "2"))
    policy = digest_of(digest_tree(stored(tracker, "reviews-candidate", second) / "model"))
    promote(tracker, second, "reviewer")
    with pytest.raises(PromotionRefusedError, match="not measured against the present champion, version 1"):
        promote(tracker, first, "reviewer")
    assert not promote(tracker, second, "reviewer").changed
    third = register_measured_against(tracker, root, {"exists": True, "digest": policy}, "3")
    assert promote(tracker, third, "reviewer").changed
    assert rollback(tracker, None, "reviewer").version == "1"
