"""Damaged checkpoints: refused, said so, and the result is still that of an undisturbed run."""

import json
import shutil

import pytest
from training.resume_cases import Case, Death
from training.test_resume import KILLED, Runs, assert_same, said, steps_kept

CASE = Case("dpo")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return Runs(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def killed(runs):
    """A run that died in its fourth step, with the checkpoints of steps 2 and 3."""
    home = runs.folder / "killed"
    assert runs.run(CASE, home, Death("update", 4)) == KILLED
    assert steps_kept(home) == [2, 3]
    return home


def cut(folder, name):
    path = folder / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


def flip(folder, name):
    """One bit in the middle: of the tensors it is a weight's, which safetensors loads without a word."""
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)


def junk(folder, name):
    (folder / name).write_bytes(b"\xff{{not json")


def nested(folder, name):
    (folder / name).write_text("[" * 100_000)


def other_json(folder, name):
    (folder / name).write_text("[1, 2]")


def missing(folder, name):
    (folder / name).unlink()


def added(folder, name):
    (folder / f"{name}.more").write_text("x")


DAMAGES = [
    *((cut, "tensors.safetensors"), (flip, "tensors.safetensors"), (missing, "tensors.safetensors")),
    *((cut, "facts.json"), (flip, "facts.json"), (junk, "facts.json"), (missing, "facts.json")),
    *((cut, "sha256.json"), (junk, "sha256.json"), (nested, "sha256.json"), (other_json, "sha256.json")),
    *((missing, "sha256.json"), (added, "tensors.safetensors")),
]


@pytest.mark.parametrize(("damage", "name"), DAMAGES, ids=lambda value: getattr(value, "__name__", value))
def test_the_one_before_is_used_and_it_is_said(runs, killed, tmp_path, damage, name):
    home = shutil.copytree(killed, tmp_path / "run")
    damage(home / "checkpoints/step-00000003", name)
    assert runs.run(CASE, home) == 0
    assert "step-00000003 is damaged" in said(home)
    assert "going on after step 2" in said(home)
    assert_same(home, runs.whole(CASE))
    assert steps_kept(home) == [3, 4], "the damaged one was replaced"


def test_with_none_good_it_starts_from_zero_and_says_so(runs, killed, tmp_path):
    home = shutil.copytree(killed, tmp_path / "run")
    flip(home / "checkpoints/step-00000002", "tensors.safetensors")
    cut(home / "checkpoints/step-00000003", "tensors.safetensors")
    assert runs.run(CASE, home) == 0
    assert said(home).count("is damaged") == 2
    assert "no checkpoint is good: starting from the beginning" in said(home)
    assert_same(home, runs.whole(CASE))


def test_what_is_no_checkpoint_at_all_disturbs_nobody(runs, killed, tmp_path):
    home = shutil.copytree(killed, tmp_path / "run")
    (home / "checkpoints/step-00000009").write_text("a file")
    (home / "checkpoints/step-junk").mkdir()
    (home / "checkpoints/.step-00000007.0f.tmp").mkdir()
    assert runs.run(CASE, home) == 0
    assert "going on after step 3" in said(home)
    assert_same(home, runs.whole(CASE))
    assert sorted(path.name for path in (home / "checkpoints").iterdir()) == [
        "step-00000003",
        "step-00000004",
    ]


def test_a_damaged_checkpoint_from_later_on_is_not_what_is_kept(runs, killed, tmp_path):
    """Steps 3 and up are damaged: after the rerun's third step they must not push good ones out."""
    home = shutil.copytree(killed, tmp_path / "run")
    shutil.copytree(home / "checkpoints/step-00000003", home / "checkpoints/step-00000008")
    for name in ("step-00000003", "step-00000008"):
        flip(home / "checkpoints" / name, "facts.json")
    assert runs.run(CASE, home, Death("tensors", 2)) == KILLED
    assert steps_kept(home) == [2, 3]
    assert runs.run(CASE, home) == 0
    assert_same(home, runs.whole(CASE))


def test_a_checkpoint_that_cannot_be_written_does_not_end_the_run(runs, tmp_path):
    home = tmp_path / "run"
    home.mkdir()
    (home / "checkpoints").write_text("in the way")
    assert runs.run(CASE, home) == 0
    assert said(home).count("the run goes on without it") == 4
    whole = runs.whole(CASE)
    assert json.loads((home / "rows.json").read_text()) == json.loads((whole / "rows.json").read_text())
