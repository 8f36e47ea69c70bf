"""What a reviewer asks before and after a promotion: lineage, verify, diff, audit. In one workspace with real DVC."""

import json
import re
from contextlib import contextmanager

import pytest
from feedback_files import write_pairs
from pydantic import SecretStr
from tracking.fake_workspace import write_dvc_workspace

from components.feedback import store
from components.files import digest_of, read_json, sha256_file, write_json
from components.tracking.tracker import connect
from components.tracking.verification import is_lineage
from components.tracking.versions import checked_files, get_version
from flows.curation import withdraw
from flows.environment import prepare_environment
from flows.ingest import ingest
from flows.promote import promote
from flows.retrain import retrain

STAGES = {"prepare", "sft", "reward_model", "ppo", "evaluate"}


@pytest.fixture(scope="module")
def root(tmp_path_factory, models, prefect_server, module_environment):
    """Two versions in production; between them a batch came in, a row was withdrawn and a parameter changed."""
    module_environment.pop("MLFLOW_TRACKING_URI", None)
    module_environment["RLHF_AUTHOR"] = "trainer"
    files = tmp_path_factory.mktemp("feedback")
    folder = write_dvc_workspace(tmp_path_factory.mktemp("review") / "clone", models)
    prepare_environment(folder)
    ingest(folder, [write_pairs(files / f"{topic}.jsonl", topic=topic) for topic in ("battery", "camera")])
    retrain(folder)
    promote(folder, "1", "ada")
    withdraw(folder, batch(folder, "battery"), None, SecretStr("licence ended"), [2])
    ingest(folder, [write_pairs(files / "screen.jsonl", topic="screen")])
    params = folder / "params.yaml"
    params.write_text(re.sub(r"kl_coef: \S+", "kl_coef: 0.125", params.read_text(), count=1))
    retrain(folder)
    promote(folder, "2", "ada")
    return folder


@pytest.fixture
def rlhf(root, monkeypatch, in_this_process):
    monkeypatch.chdir(root)
    return in_this_process


def batch(root, topic):
    return next(
        folder.name for folder in store.folders(root / "data/feedback") if folder.name.startswith(topic)
    )


def production_file(root, version="2", name="model/model.safetensors"):
    tracker = connect(root)
    return checked_files(tracker, get_version(tracker, "reviews", version)) / name


@contextmanager
def one_byte_swapped(path):
    content = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    try:
        yield
    finally:
        path.write_bytes(content)


def test_lineage_tells_where_the_champion_comes_from(root, rlhf):
    status, out, err = rlhf("lineage", "--json")
    told = json.loads(out)
    assert (status, told["model"], told["version"], told["is_champion"]) == (0, "reviews", "2", True)
    assert (told["author"], told["approver"], told["candidate"]) == ("trainer", "ada", "2")
    assert [(act["action"], act["approver"]) for act in told["acts"]] == [("promote", "ada")]
    assert told["parents"] == {"sft": ["reviews-sft", "1"], "reward": ["reviews-reward", "1"]}
    assert (told["params"]["ppo.kl_coef"], told["base"]) == (0.125, None)
    assert told["runs"].keys() == STAGES
    assert told["dvc"]["models/policy"].endswith(".dir")
    assert {each["batch"]: each["withdrawn_since"] for each in told["feedback"]} == {
        batch(root, topic): 0 for topic in ("battery", "camera", "screen")
    }
    assert err.startswith("next: `rlhf verify 2 --model production`")


def test_lineage_of_a_version_that_learned_from_what_was_withdrawn(root, rlhf):
    status, out, _ = rlhf("lineage", "1")
    assert status == 0
    assert "reviews version 1 (candidate 1)\n" in out
    (line,) = (line for line in out.splitlines() if batch(root, "battery") in line)
    assert line.split()[1:] == ["accepted", "5", "1", "rows", "withdrawn:", "line", "2:", "licence", "ended"]
    assert "approved    promote by ada, 2" in out
    assert "ppo.kl_coef" in out


def test_status_does_not_blame_a_version_for_rows_that_left_before_it_was_trained(rlhf):
    status, out, _ = rlhf("status", "--json")
    seen = json.loads(out)
    assert (status, seen["champion"]["withdrawn_since"], seen["candidate"]["withdrawn_since"]) == (0, {}, {})


def test_lineage_of_a_candidate(rlhf):
    for words in (["candidate"], ["2", "--model", "candidate"]):
        told = json.loads(rlhf("lineage", *words, "--json")[1])
        assert (told["model"], told["version"], told["approver"]) == ("reviews-candidate", "2", None)
    status, _, err = rlhf("lineage", "7")
    assert (status, "there are: reviews: 1, 2; reviews-candidate: 1, 2" in err) == (1, True)


@pytest.mark.parametrize(
    "words", [["lineage", "newest"], ["verify", "0"], ["diff", "1"], ["verify", "1", "--all"]]
)
def test_wrong_usage(rlhf, words):
    assert rlhf(*words)[0] == 2


def test_what_is_whole_verifies(rlhf):
    status, out, _ = rlhf("verify", "--json")
    told = json.loads(out)
    assert (status, told["sound"], told["version"]) == (0, True, "2")
    assert told["parts"].keys() == {"files", "parent sft", "parent reward", "feedback", "dvc"}
    assert min(part["matching"] for part in told["parts"].values()) > 0
    assert [part["unchecked"] for part in told["parts"].values()] == [[]] * 5


def test_all_versions_verify_and_what_was_withdrawn_is_said(root, rlhf):
    status, out, _ = rlhf("verify", "--all")
    assert status == 0
    ends = [line.split(":")[0] for line in out.splitlines() if ": sound; " in line]
    assert ends == [f"{name} version {n}" for name in ("reviews", "reviews-candidate") for n in (1, 2)]
    said = f"reviews version 1, feedback: not checked: data/feedback/{batch(root, 'battery')}/rows-"
    assert said in out
    assert "rows or votes of it were withdrawn since" in out


def test_one_byte_of_a_production_file(root, rlhf):
    path = production_file(root)
    with one_byte_swapped(path):
        status, _, err = rlhf("generate", "the battery", "-n", "1")
        assert (status, f"{path}: SHA-256 is" in err) == (1, True)
        status, out, _ = rlhf("verify")
        assert (status, f"reviews version 2, files: {path}: SHA-256 is" in out) == (6, True)
        assert "reviews version 2: NOT SOUND, mismatches: 1; digests that match: files " in out
        assert "`rlhf rollback`" in out
        assert rlhf("verify", "1")[0] == 0
    assert rlhf("generate", "the battery", "-n", "1")[0] == 0


def test_every_file_is_named(root, rlhf):
    names = ("model/config.json", "lineage.json", "evaluation/gates.json")
    paths = [production_file(root, name=name) for name in names]
    with one_byte_swapped(paths[0]), one_byte_swapped(paths[2]):
        paths[1].rename(root / "kept")
        told = json.loads(rlhf("verify", "--json")[1])["parts"]
        (root / "kept").rename(paths[1])
    named = [said.split(":")[0] for said in told["files"]["mismatches"]]
    assert named == [str(paths[2]), f"{paths[1]} is missing", str(paths[0])]
    assert "its lineage cannot be read" in told["files"]["unchecked"][0]


def test_a_lineage_that_was_changed_is_named_and_not_followed(root, rlhf):
    path = production_file(root, name="lineage.json")
    content = path.read_bytes()
    path.chmod(0o644)
    for old, new in (
        ('"feedback_batches"', '"feedback_batched"'),
        ('"dvc": {', '"dvc": {"x": "ab/etc/hostname", '),
    ):
        path.write_text(content.decode().replace(old, new))
        status, out, _ = rlhf("verify", "--json")
        told = json.loads(out)["parts"]
        assert (status, told.keys()) == (6, {"files"})
        assert f"{path}: SHA-256 is" in told["files"]["mismatches"][0]
    path.write_bytes(content)
    assert rlhf("verify")[0] == 0


@pytest.mark.parametrize(
    "change",
    [
        {"dvc": {"x": "ab/etc/hostname"}},
        {"feedback": "../x"},
        {"parents": []},
        {"dvc": None},
        {"feedback": 3},
    ],
)
def test_a_lineage_with_digests_that_are_none_is_not_followed(root, change):
    lineage = read_json(production_file(root, name="lineage.json"))
    assert is_lineage(lineage)
    assert not is_lineage(lineage | change)


def test_a_parent(root, rlhf):
    tracker = connect(root)
    path = checked_files(tracker, get_version(tracker, "reviews-reward", "1")) / "model/model.safetensors"
    with one_byte_swapped(path):
        status, out, _ = rlhf("verify")
    assert (status, f"reviews version 2, parent reward: {path}: SHA-256 is" in out) == (6, True)


def test_feedback(root, rlhf):
    rows = store.parts_of(root / "data/feedback" / batch(root, "camera"))[0]
    with one_byte_swapped(rows):
        status, out, _ = rlhf("verify")
        assert status == 6
        assert f"feedback: {rows.relative_to(root)}: SHA-256 is" in out
        # As one would who changes rows and then tells their manifest.
        manifest = rows.with_name("manifest.json")
        content = read_json(manifest)
        manifest.chmod(0o644)
        write_json(manifest, content | {"parts": {rows.name: sha256_file(rows)}})
        status, out, _ = rlhf("verify")
        write_json(manifest, content)
    assert status == 6
    assert f"feedback: {rows.relative_to(root)} is not what the version learned from" in out


def test_what_dvc_keeps(root, rlhf):
    md5 = json.loads(rlhf("lineage", "--json")[1])["dvc"]["models/policy"]
    listing = root / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    each = next(item["md5"] for item in read_json(listing) if item["relpath"] == "config.json")
    kept = root / ".dvc/cache/files/md5" / each[:2] / each[2:]
    with one_byte_swapped(kept):
        status, out, _ = rlhf("verify")
    assert status == 6
    assert (
        f"models/policy/config.json in DVC's cache ({kept.relative_to(root)}) is not what its MD5 says" in out
    )
    listing.rename(root / "listing")
    status, out, _ = rlhf("verify")
    (root / "listing").rename(listing)
    assert (status, "dvc: not checked: models/policy is gone from DVC's cache" in out) == (0, True)


def test_a_digest_in_the_registry_that_somebody_changed(root, rlhf):
    """With it the files' manifest, so that they agree: the audit log and the candidate still know better."""
    path = production_file(root, name="manifest.json")
    tracker, before = connect(root), path.read_text()
    tag = get_version(tracker, "reviews", "2").tags["sha256"]
    weights = path.with_name("model") / "model.safetensors"
    with one_byte_swapped(weights):
        content = read_json(path)
        content["files"]["model/model.safetensors"] = sha256_file(weights)
        write_json(path, content)
        tracker.client.set_model_version_tag("reviews", "2", "sha256", digest_of(content["files"]))
        status, out, _ = rlhf("verify")
        path.write_text(before)
    tracker.client.set_model_version_tag("reviews", "2", "sha256", tag)
    assert status == 6
    assert re.search(r"version 2: the registry says SHA-256 \w{12}, the audit log of \S+ " + tag[:12], out)
    assert f"of candidate 2, which it copies, {tag[:12]}" in out


def test_diff_tells_what_changed(root, rlhf):
    status, out, _ = rlhf("diff", "1", "2", "--json", "--answers", "1")
    told = json.loads(out)
    assert (status, [version["version"] for version in told["versions"]]) == (0, ["1", "2"])
    assert told["feedback"] == {
        "added": [batch(root, "screen")],
        "removed": [],
        "changed": [batch(root, "battery")],
        "same": 1,
    }
    assert [list(told["params"]), told["params"]["ppo.kl_coef"][1]] == [["ppo.kl_coef"], 0.125]
    figures = {each["figure"]: each for each in told["figures"]}
    assert figures["policy.win_rate_vs_sft"]["values"] == pytest.approx([0.7, 0.8])
    assert figures["policy.win_rate_vs_sft"]["intervals"][1] == pytest.approx([0.7, 0.9])
    answers = told["answers"]
    assert (answers["shared"], answers["alike"], answers["better"], answers["worse"]) == (3, 1, 2, 0)
    assert [(pair["prompt"], pair["judge"]) for pair in answers["shown"]] == [("Review phone 1.", [1.0, 1.5])]


def test_diff_for_people(root, rlhf):
    status, out, _ = rlhf("diff", "champion", "candidate")
    assert status == 0
    assert "The files are the same, byte by byte." in out
    status, out, _ = rlhf("diff", "2", "1", "--model", "candidate")
    assert status == 0
    assert out.startswith("reviews-candidate version 2 (candidate 2, READY) -> reviews-candidate version 1")
    assert f"  - {batch(root, 'screen')}" in out
    assert re.search(r"policy\.win_rate_vs_sft +0\.8 \[0\.7, 0\.9\] +0\.7 \[0\.6, 0\.8\] +no", out)
    assert "After 4 batches {} [bold]\\x1b" in out
    assert out.index("Review phone 1.") < out.index("Review phone 2.")


def test_audit_shows_who_did_what_and_names_the_line_that_was_changed(root, rlhf):
    status, out, _ = rlhf("audit")
    assert status == 0
    assert ".rlhf/audit.jsonl is whole: 2 of 2 lines chained" in out
    assert re.search(
        r"  2  \S+  promote   version 2 \(candidate 2; before: 1\), approved by ada, run by trainer", out
    )
    path = root / ".rlhf/audit.jsonl"
    before = path.read_text()
    path.write_text(before.replace('"ada"', '"eve"', 1))
    status, out, _ = rlhf("audit")
    assert (status, "broken: line 1 was edited: line 2 knows it by another SHA-256" in out) == (6, True)
    path.write_text(before.splitlines(keepends=True)[0])
    status, out, _ = rlhf("audit", "--json")
    told = json.loads(out)
    assert (status, told["whole"], len(told["lines"])) == (6, False, 1)
    assert told["faults"] == [{"line": 2, "message": "line 2 is missing: MLflow knows of 2, the file has 1"}]
    assert rlhf("promote", "1", "--approver", "ada")[0] == 4
    path.write_text(before.replace('"promote"', "null", 1))
    assert rlhf("audit")[0] == 6
    path.write_text(f"{before}{'[' * 100_000}\n")
    assert rlhf("audit")[0] == 6
    path.write_text(before)
    assert rlhf("audit", "--why", "x")[0] == 2
    assert rlhf("audit", "--restart", "--approver", "ada", "--why", "x")[0] == 1
    assert rlhf("audit")[0] == 0


def test_a_withdrawn_batch_stays_in_the_lineage(root, rlhf):
    camera = batch(root, "camera")
    withdraw(root, camera, None, SecretStr("asked for"), [])
    told = json.loads(rlhf("lineage", "--json")[1])
    (now,) = (each for each in told["feedback"] if each["batch"] == camera)
    assert (now["state"], now["withdrawn_since"], now["why"]) == ("withdrawn", 6, ["asked for"])
    status, out, _ = rlhf("verify")
    assert (status, f"not checked: data/feedback/{camera} was withdrawn since: asked for" in out) == (0, True)
