"""What a quick and a full run measure."""

from benchmarks.plan import BATCH, JOBS, MINIBATCHES, make_plan, resized
from benchmarks.shapes import SHAPES


def test_a_quick_run_measures_each_job_once():
    assert [(group.job, group.shape.name) for group in make_plan(False, JOBS, ["tiny"])] == [
        (job, "tiny") for job in JOBS
    ]


def test_names_tell_contestants_apart_and_trl_is_always_there():
    for group in make_plan(True, JOBS, SHAPES):
        names = [contestant.name for contestant in group.contestants]
        assert len(set(names)) == len(names)
        assert "trl fp32" in names
        assert any(name.startswith("trl bf16") for name in names)


def test_a_full_run_adds_settings():
    quick, full = (make_plan(full, ["sft"], ["tiny"])[0] for full in (False, True))
    assert set(quick.contestants) < set(full.contestants)
    assert full.repeats > quick.repeats


def test_laps_are_whole_batches():
    for group in make_plan(True, JOBS, SHAPES):
        assert group.rows % BATCH == group.warm_rows % BATCH == 0
        assert group.rows % MINIBATCHES == 0


def test_counts_can_be_changed():
    [group] = make_plan(False, ["sft"], ["tiny"])
    smaller = resized(group, rows=16, repeats=2)
    assert (smaller.rows, smaller.warm_rows, smaller.repeats) == (16, 16, 2)
    assert resized(group, rows=None, repeats=None) == group
