"""The figures of `benchmarks/active_choice.py` by hand, and the whole of it in small."""

import math

import numpy as np
import pytest
from transformers.utils import logging

from benchmarks import active_choice
from benchmarks.active_figures import interval, labels_needed, render, told
from benchmarks.active_world import accuracy, make_world, write_trunk
from components.feedback.simulator import gold_utility

LABELS = [100, 200, 300]


@pytest.mark.parametrize(
    ("wanted", "labels"), [(0.6, 100), (0.7, 100), (0.75, 150), (0.8, 200), (0.85, 250), (0.95, math.inf)]
)
def test_labels_needed_by_hand(wanted, labels):
    assert labels_needed(LABELS, np.array([0.7, 0.8, 0.9]), wanted) == pytest.approx(labels)


def test_interval_by_hand():
    # Mean 0.02; standard error 0.01; Student's t of one degree of freedom 12.706.
    assert interval(np.array([0.01, 0.03])) == pytest.approx((0.02 - 0.12706, 0.02 + 0.12706), abs=1e-5)
    assert told(np.array([0.01, 0.03])) == "+2.0 [-10.7, +14.7]"
    assert all(math.isnan(end) for end in interval(np.array([0.01])))


def test_the_table():
    curves = {
        "random": [[0.6, 0.7, 0.8]] * 2,
        "chosen": [[0.6, 0.8, 0.9]] * 2,
        "near tie": [[0.6, 0.6, 0.7]] * 2,
    }
    lines = render(LABELS, curves).splitlines()
    assert lines[2].split() == ["200", "70.0%", "80.0%", "60.0%"]
    assert "300         +10.0 [+10.0, +10.0]  -10.0 [-10.0, -10.0]" in lines
    assert lines[-4:] == [
        "labels that reach what random reaches with 300",
        "random: 300 [300, 300]",
        "chosen: 200 [200, 200]",
        "near tie: more [more, more]",
    ]


def test_random_may_be_there_before_its_end():
    """Its gain by chance is told: others' is to be held against it, and not against the number of labels."""
    curves = {"random": [[0.6, 0.8, 0.7]] * 2, "chosen": [[0.6, 0.8, 0.7]] * 2}
    assert render(LABELS, curves).splitlines()[-2:] == ["random: 150 [150, 150]", "chosen: 150 [150, 150]"]


def test_accuracy_is_against_the_truth():
    world = make_world(1, 2, 40)
    assert len(world.held_out) == len(world.leads) > 20

    def gold(prompts, answers):
        return list(map(gold_utility, prompts, answers))

    assert accuracy(gold, world) == 1.0
    assert accuracy(lambda *texts: [-score for score in gold(*texts)], world) == 0.0


def test_in_small(tmp_path, monkeypatch, capsys):
    logging.disable_progress_bar()
    write_trunk(tmp_path / "trunk", 24)
    words = [
        "--seeds",
        "1",
        "2",
        "--start",
        "6",
        "--step",
        "3",
        "--rounds",
        "1",
        "--prompts",
        "6",
        "--held-out",
        "12",
    ]
    monkeypatch.setattr(
        "sys.argv",
        ["active_choice", *words, "--trunk", str(tmp_path / "trunk"), "--plot", str(tmp_path / "curves.png")],
    )
    active_choice.main()
    out = capsys.readouterr().out
    assert out.count("seed ") == 2 * len(active_choice.WAYS)
    assert "labels that reach what random reaches with 9" in out
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_each_way_finds_the_same_labels_and_labels_nothing_twice(tmp_path):
    world = make_world(3, 8, 4)
    assert world.labels == make_world(3, 8, 4).labels
    write_trunk(tmp_path / "trunk", 24)
    known = [0, 7, 20]
    scorer = active_choice.learn(tmp_path / "trunk", [world.labels[place] for place in known], 1)
    for way in active_choice.WAYS:
        places = active_choice.next_places(way, world, scorer, known, 10, seed=1)
        assert len({*places} - {*known}) == 10
