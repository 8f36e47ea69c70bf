"""Gradients that are not finite: skipped, then back to a checkpoint, then the run ends. Never for ever."""

import json
import shutil

import pytest
import torch
from training.resume_cases import Case, Death
from training.test_resume import KILLED, Runs, assert_same, newest, said

from components.errors import TrainingDivergedError
from components.training.checkpoints import Checkpoints
from components.training.guards import MOST_RETURNS, GradientGuard
from components.training.state_files import read_state

#: Of 12 steps, those numbered 5, 6 and 7.
THREE = Case("sft", passes=6, not_finite=(4, 5, 6))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return Runs(tmp_path_factory.mktemp("runs"))


def rows(home):
    return json.loads((home / "rows.json").read_text())


def test_one_or_two_are_skipped_and_nothing_else_happens(runs):
    home = runs.whole(Case("sft", passes=6, not_finite=(4, 5)))
    assert "going back" not in said(home)
    state = read_state(newest(home))
    assert state["learner"]["guard"]["seen"] == 10
    assert all(torch.isfinite(weight).all() for weight in state["learner"]["weights"].values())


def test_three_in_a_row_go_back_to_weights_that_worked(runs):
    """Step 4's checkpoint holds the very weights that failed, so it is step 3's; the data goes on with step 8."""
    home = runs.whole(THREE)
    assert said(home).count("going back to the weights of") == 1
    assert "checkpoints/step-00000003" in said(home)
    assert [row["step"] for row in rows(home)] == list(range(1, 13))
    guard = read_state(newest(home))["learner"]["guard"]
    assert (guard["seen"], guard["returns"], guard["returned"], guard["not_finite"]) == (9, 1, False, 0)
    # The schedule is where the run is, not where the checkpoint was.
    undisturbed = rows(runs.whole(Case("sft", passes=6)))
    assert [row["learning_rate"] for row in rows(home)] == [row["learning_rate"] for row in undisturbed]


def test_steps_in_doubt_write_no_checkpoint(runs, tmp_path):
    assert runs.run(THREE, tmp_path / "run", Death("go back", 1)) == KILLED
    assert newest(tmp_path / "run").name == "step-00000004"
    # Nor does the step that goes back: another process of the run may still be reading.
    assert runs.run(THREE, tmp_path / "run", Death("update", 4)) == KILLED
    assert "going back to the weights of" in said(tmp_path / "run")
    assert newest(tmp_path / "run").name == "step-00000004"


@pytest.mark.parametrize("death", [Death("go back", 1), Death("update", 6), Death("tensors", 5)], ids=str)
def test_a_kill_around_going_back_changes_nothing(runs, tmp_path, death):
    assert runs.run(THREE, tmp_path / "run", death) == KILLED
    assert runs.run(THREE, tmp_path / "run") == 0
    assert_same(tmp_path / "run", runs.whole(THREE))


def test_policy_and_critic_go_back_together(runs):
    """All 4 updates of rounds 5, 6: the fifth round ends at its third bad update."""
    home = runs.whole(Case("separate", passes=4, not_finite=(4,)))
    assert "going back to the weights of" in said(home)
    assert "step-00000003" in said(home)
    assert rows(home)[4]["updates"] == 3.0
    state = read_state(newest(home))
    assert state["policy"]["guard"]["returns"] == state["critic"]["guard"]["returns"] == 1
    assert all(row["kl_coef"] == row["kl_coef"] for row in rows(home)), "NaN never reaches the controller"


def test_failing_again_before_any_good_step_ends_the_run(runs, tmp_path):
    case = Case("sft", passes=6, not_finite=tuple(range(4, 12)))
    assert runs.run(case, tmp_path / "run") == 1
    assert said(tmp_path / "run").count("going back to the weights of") == 1
    assert said(tmp_path / "run").splitlines()[-1].startswith("DIVERGED")
    assert not (tmp_path / "run/final.safetensors").exists()
    # And it ends so however often it is started.
    assert runs.run(case, tmp_path / "run") == 1


def test_the_damaged_one_is_not_gone_back_to(runs, tmp_path):
    assert runs.run(THREE, tmp_path / "run", Death("go back", 1)) == KILLED
    shutil.rmtree(tmp_path / "run/checkpoints/step-00000003")
    assert runs.run(THREE, tmp_path / "run") == 0
    # None with other weights is left: the newest must do.
    assert "going back to the weights of" in said(tmp_path / "run")
    assert "checkpoints/step-00000004" in said(tmp_path / "run").splitlines()[-1]


class Lost:
    """A learner after its third gradient that was not finite."""

    must_go_back = in_doubt = True


def test_without_checkpoints_three_in_a_row_end_the_run(tmp_path):
    for checkpoints in (Checkpoints(), Checkpoints(tmp_path / "none yet")):
        with pytest.raises(TrainingDivergedError, match=r"DIVERGED.*no checkpoint to go back to") as caught:
            checkpoints.after_step(3, {}, {"learner": Lost()})
        assert "learning rate" in caught.value.remedy


def guard_after(*norms):
    guard = GradientGuard(1000)
    for norm in norms:
        guard.accepts(norm)
    return guard


def test_the_guard_counts_returns():
    guard = guard_after(1.0, float("nan"), float("inf"), float("nan"))
    assert guard.must_go_back
    guard.went_back()
    assert not guard.must_go_back
    assert not guard.in_doubt
    guard.accepts(float("nan"))
    guard.accepts(float("nan"))
    with pytest.raises(TrainingDivergedError, match=r"DIVERGED.*also after going back"):
        guard.accepts(float("nan"))


def test_a_run_that_goes_back_again_and_again_is_ended():
    guard = guard_after(1.0)
    for _ in range(MOST_RETURNS):
        for norm in (float("nan"),) * 3:
            assert not guard.accepts(norm)
        guard.went_back()
        assert guard.accepts(1.0)
    guard.accepts(float("nan"))
    guard.accepts(float("nan"))
    with pytest.raises(TrainingDivergedError, match="3 times in this run"):
        guard.accepts(float("nan"))
