"""A divided model's checkpoints: the same bits after a kill, whole weights, and of use to one process too."""

import json

import pytest
import torch
from safetensors.torch import load_file
from training import resume_cases
from training.deaths import Death
from training.resume_cases import Case, save_base
from training.teams import run_team

from components.files import digest_tree

KILLED = -9
CASES = [Case("reward", rank=4), Case("separate", "bfloat16", "llama")]


def newest(home):
    return sorted((home / "checkpoints").glob("step-*"))[-1]


def said(home, rank=0):
    return (home / f"said-{rank}.txt").read_text()


def die_amid_the_third_checkpoint(case, base, home):
    # The other is ended, unless it has failed by itself because nobody answers.
    killed, other = run_team(case, base, home, Death("tensors", 3))
    assert killed == KILLED
    assert other != 0
    assert newest(home).name == "step-00000002"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_two_steps_a_kill_and_two_steps_are_four(case, tmp_path):
    base, whole, home = save_base(tmp_path / "base", case.family), tmp_path / "whole", tmp_path / "run"
    assert run_team(case, base, whole) == [0, 0]
    die_amid_the_third_checkpoint(case, base, home)
    assert run_team(case, base, home) == [0, 0]
    assert "going on after step 2" in said(home)
    assert said(home, rank=1) == "", "one of them speaks"
    assert (home / "rows.json").read_text() == (whole / "rows.json").read_text()
    found, wanted = load_file(home / "final.safetensors"), load_file(whole / "final.safetensors")
    assert [name for name in wanted if not found[name].equal(wanted[name])] == []
    assert digest_tree(newest(home)) == digest_tree(newest(whole))


def test_one_process_goes_on_where_two_were_killed(tmp_path):
    """Checkpoints hold whole weights and moments, under the names that they have in any run."""
    case, base, home = Case("sft"), save_base(tmp_path / "base"), tmp_path / "run"
    assert resume_cases.run(case, base, tmp_path / "alone") == 0
    die_amid_the_third_checkpoint(case, base, home)
    assert resume_cases.run(case, base, home) == 0
    assert "going on after step 2" in (home / "said.txt").read_text()
    found, wanted = (load_file(path / "final.safetensors") for path in (home, tmp_path / "alone"))
    for name, weight in wanted.items():
        torch.testing.assert_close(found[name], weight, rtol=0, atol=1e-4)
    facts = [json.loads((newest(path) / "facts.json").read_text()) for path in (home, tmp_path / "alone")]
    assert facts[0]["learner"].keys() == facts[1]["learner"].keys()


def test_a_process_short_of_memory_says_so_at_once(tmp_path):
    """Were it to halve its portions alone, the other would wait for it in another pass."""
    other, short = run_team(Case("sft"), save_base(tmp_path / "base"), tmp_path / "run", short_of_memory=1)
    assert short == 1
    assert other != 0
    assert said(tmp_path / "run", rank=1).startswith("out of memory with 40 tokens at once: tried")
    assert "set train.microbatch_tokens lower" in said(tmp_path / "run", rank=1)
