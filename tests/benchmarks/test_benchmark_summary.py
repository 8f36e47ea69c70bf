"""From laps to ratios, and the table."""

import pytest

from benchmarks.summary import summarise
from benchmarks.table import render

PEAK = {"fp32": 1000.0, "bf16": 4000.0}


def _laps(seconds, peak=100, flops=500):
    return [
        {"seconds": value, "rows": 8, "tokens": 80, "updates": 2, "flops": flops, "peak_bytes": peak}
        for value in seconds
    ]


MEASURED = {
    "job": "sft",
    "shape": "tiny",
    "laps": {
        "ours fp32": _laps([1.0, 5.0, 2.0], peak=50),
        "trl fp32": _laps([4.0, 4.0, 4.0]),
        "trl fp32 grouped": _laps([3.0, 3.0, 3.0], peak=200),
        "ours bf16": _laps([0.5, 0.5, 0.5]),
        "trl bf16": _laps([2.0, 2.0, 2.0]),
    },
}


@pytest.fixture
def rows():
    return {row["name"]: row for row in summarise(MEASURED, PEAK)}


def test_seconds_are_the_median(rows):
    assert rows["ours fp32"]["seconds"] == 2.0
    assert (rows["ours fp32"]["fastest"], rows["ours fp32"]["slowest"]) == (1.0, 5.0)


def test_ratios_are_against_trl_as_it_comes_and_against_its_best(rows):
    assert rows["ours fp32"]["speedup_fp32"] == 2.0
    assert rows["ours fp32"]["speedup_best"] == 1.5
    assert rows["ours bf16"]["speedup_fp32"] == 8.0
    assert rows["ours bf16"]["speedup_best"] == 4.0


def test_memory_is_against_the_rival_of_the_ratio(rows):
    assert rows["ours fp32"]["memory_ratio"] == 0.25


def test_share_of_the_peak_of_its_own_precision(rows):
    assert rows["ours fp32"]["peak_share"] == pytest.approx(0.25)
    assert rows["ours bf16"]["peak_share"] == pytest.approx(0.25)


def test_without_trl_there_is_no_ratio():
    alone = {**MEASURED, "laps": {"ours fp32": _laps([1.0])}}
    [row] = summarise(alone, PEAK)
    assert row["speedup_fp32"] is None
    assert "-" in render("sft", "tiny", [row]).splitlines()[1]


def test_the_table_has_a_line_for_each(rows):
    table = render("sft", "tiny", [*rows.values()]).splitlines()
    assert len(table) == 1 + len(rows)
    assert table[1].split()[:5] == ["ours", "fp32", "2", "(1-5)", "2.00"]


def test_phases_come_below():
    laps = [{**lap, "phases": {"generation": 0.5, "updates": 1.5}} for lap in _laps([2.0])]
    table = render("ppo", "tiny", summarise({"laps": {"ours fp32": laps}}, PEAK))
    assert table.splitlines()[-1].split() == ["ours", "fp32", "0.5", "1.5"]
