"""A run that was killed and went on ends as one that never stopped: every tensor, every row, every bit of state."""

import json
import random
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file
from training.resume_cases import Case, Death, run, save_base, start

from components.files import digest_tree

KILLED = -9
CASES = [
    *(Case(kind) for kind in ("sft", "reward", "dpo", "separate", "shared", "rloo")),
    *(Case(kind, "bfloat16", "llama") for kind in ("sft", "reward", "dpo", "separate", "shared")),
    *(Case("reward", rank=4), Case("dpo", "bfloat16", "llama", rank=4)),
    *(Case("separate", "bfloat16", rank=4), Case("shared", family="qwen2", rank=4)),
]


class Runs:
    """Runs on one saved model, and what each case gives when nobody kills it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._whole: dict[Case, Path] = {}
        self._bases: dict[str, Path] = {}

    def base(self, family: str) -> Path:
        if family not in self._bases:
            self._bases[family] = save_base(self.folder / family, family)
        return self._bases[family]

    def run(self, case: Case, home: Path, death: Death | None = None) -> int:
        return run(case, self.base(case.family), home, death)

    def whole(self, case: Case) -> Path:
        if case not in self._whole:
            home = self.folder / f"whole-{len(self._whole)}"
            assert self.run(case, home) == 0
            self._whole[case] = home
        return self._whole[case]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return Runs(tmp_path_factory.mktemp("runs"))


def newest(home: Path) -> Path:
    return sorted((home / "checkpoints").glob("step-*"))[-1]


def steps_kept(home: Path) -> list[int]:
    return sorted(int(path.name[5:]) for path in (home / "checkpoints").glob("step-*"))


def assert_same(home: Path, whole: Path) -> None:
    """Final weights, rows, and the last checkpoint, which holds all state there is, byte for byte."""
    assert json.loads((home / "rows.json").read_text()) == json.loads((whole / "rows.json").read_text())
    found, wanted = load_file(home / "final.safetensors"), load_file(whole / "final.safetensors")
    assert found.keys() == wanted.keys()
    assert [name for name in wanted if not found[name].equal(wanted[name])] == []
    assert digest_tree(newest(home)) == digest_tree(newest(whole))


def said(home: Path) -> str:
    return (home / "said.txt").read_text()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_two_steps_a_kill_and_two_steps_are_four(runs, tmp_path, case):
    # Amid the third checkpoint: steps 1 and 2 are kept, the third has changed weights already.
    assert runs.run(case, tmp_path / "run", Death("tensors", 3)) == KILLED
    assert steps_kept(tmp_path / "run") == [1, 2]
    assert not (tmp_path / "run/final.safetensors").exists()
    assert runs.run(case, tmp_path / "run") == 0
    assert "going on after step 2" in said(tmp_path / "run")
    assert_same(tmp_path / "run", runs.whole(case))


def test_the_last_checkpoint_holds_all_that_changes(runs):
    """What the comparison of checkpoints compares: nothing of a PPO run is missing from it."""
    home = runs.whole(Case("separate"))
    facts = json.loads((newest(home) / "facts.json").read_text())
    assert set(facts) == {*("policy", "critic", "order", "dice", "queue", "kl_control", "log", "randomness")}
    assert set(facts["policy"]) == {"weights", "moments", "groups", "schedule", "guard", "microbatches"}
    assert set(facts["randomness"]) == {"python", "numpy", "torch", "cuda"}
    tensors = load_file(newest(home) / "tensors.safetensors")
    assert "state/critic/weights/score.weight" in tensors
    assert "state/critic/moments/0/exp_avg_sq" in tensors
    assert facts["kl_control"]["coef"] != 0.1, "the controller must have moved for its state to be tested"
    assert len(facts["log"]["rows"]) == 4
    assert facts["policy"]["guard"]["seen"] == 16
    assert "state/policy/weights/value_head.weight" in load_file(
        newest(runs.whole(Case("shared"))) / "tensors.safetensors"
    )


def test_with_adapters_they_and_the_heads_are_all_that_is_written(runs):
    """Rank 4 beside 14 layers of a Qwen with grouped heads; the value head has 32 weights and a bias."""
    tensors = load_file(newest(runs.whole(Case("shared", family="qwen2", rank=4))) / "tensors.safetensors")
    weights = {name: tensor for name, tensor in tensors.items() if "/weights/" in name}
    assert sum("lora_" in name for name in weights) == len(weights) - 2 == 2 * 14
    # Per layer: q and o 32>32, k and v 32>16, gate and up 32>48, down 48>32, each rank * (in + out).
    assert sum(tensor.numel() for tensor in weights.values()) == 2 * 4 * (2 * 64 + 2 * 48 + 3 * 80) + 33


@pytest.mark.parametrize(
    "death",
    [
        *(
            Death("update", 1),
            Death("update", 6),
            Death("tensors", 1),
            Death("facts", 2),
            Death("digests", 3),
        ),
        *(Death("rename", 2), Death("rename", 4), Death("sweep", 3)),
    ],
    ids=str,
)
def test_a_kill_anywhere_changes_nothing(runs, tmp_path, death):
    case = Case("separate")
    assert runs.run(case, tmp_path / "run", death) == KILLED
    assert runs.run(case, tmp_path / "run") == 0
    assert_same(tmp_path / "run", runs.whole(case))
    assert [path.name for path in (tmp_path / "run/checkpoints").iterdir() if path.name[0] == "."] == []


def test_kills_at_random_times_until_the_run_is_done(runs, tmp_path):
    case, dice = Case("shared", passes=6), random.Random(1)
    runs.whole(case)
    kills = 0
    while kills < 12:
        process = start(case, runs.base("gpt2"), tmp_path / "run")
        process.join(dice.uniform(0.1, 0.9))
        if process.exitcode is not None:
            break
        process.kill()
        process.join()
        kills += 1
    else:
        assert runs.run(case, tmp_path / "run") == 0
    assert kills
    assert_same(tmp_path / "run", runs.whole(case))


def test_a_run_without_kills_keeps_two_checkpoints_and_one_that_is_done_is_not_repeated(runs, tmp_path):
    case = Case("sft")
    assert steps_kept(runs.whole(case)) == [3, 4]
    assert runs.run(case, tmp_path / "run") == 0
    before = time.monotonic()
    # As a stage that died after its training, before its outputs: no step is made again.
    assert runs.run(case, tmp_path / "run", Death("update", 1)) == 0
    assert time.monotonic() - before < 60
    assert_same(tmp_path / "run", runs.whole(case))


def test_another_model_does_not_go_on_from_these_weights(runs, tmp_path):
    assert runs.run(Case("shared"), tmp_path / "run", Death("update", 6)) == KILLED
    assert runs.run(Case("separate"), tmp_path / "run") == 1
    assert "is of another run: it holds" in said(tmp_path / "run").splitlines()[-1]
    assert runs.run(Case("shared", family="llama"), tmp_path / "run") == 1
    assert "other weights than the model" in said(tmp_path / "run").splitlines()[-1]
    assert not (tmp_path / "run/final.safetensors").exists()
