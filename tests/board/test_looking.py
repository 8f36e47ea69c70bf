"""What the board knows: of a project in which nothing was done, and of one with two versions in production."""

import json
import threading

import pytest
from collecting.collect_case import add, pairs
from tracking.fake_workspace import METRICS, write_batch, write_dvc_workspace

from components.tracking.champion_figures import main_figures
from components.tracking.tracker import connect
from components.tracking.versions import checked_files, get_version
from flows.board import looking
from flows.board.looking import Look, look_at_loop
from flows.board.page import board_page


def test_the_main_figures_are_those_of_the_evaluation():
    found = main_figures(METRICS)
    assert (found["win_rate_vs_sft"], found["accuracy"], found["sequence_kl"]) == (0.71, 0.81, 6.1)
    assert found["win_rate_vs_sft_ci"] == [0.65, 0.77]
    assert found["gold_win_rate_vs_sft"] is None
    for damaged in ({}, {"policy": [1], "reward_model": None}):
        assert set(main_figures(damaged).values()) == {None}


def test_versions_come_with_the_figures_that_they_were_measured_with(root):
    known = {}
    seen = look_at_loop(root, known)
    told = [
        (each["version"], each["candidate"], each["approver"], each["is_champion"])
        for each in seen["versions"]
    ]
    assert told == [("1", "1", "ada", False), ("2", "2", "ada", True)]
    # The stand-in of the evaluation: a half, and a tenth for each file in data/feedback.
    assert [each["win_rate_vs_sft"] for each in seen["versions"]] == [0.6, 0.7]
    assert len(known) == 2
    json.dumps(seen)


def test_what_is_known_of_a_version_is_not_read_again(root):
    known = {}
    look_at_loop(root, known)
    for figures in known.values():
        figures["win_rate_vs_sft"] = 0.123
    assert [each["win_rate_vs_sft"] for each in look_at_loop(root, known)["versions"]] == [0.123, 0.123]


def test_people_are_told_of_once_they_were_asked(root):
    assert look_at_loop(root, {})["judging"] is None
    add(root, pairs(3))
    assert look_at_loop(root, {})["judging"] == {
        "pairs": 3, "complete_pairs": 0, "judgements": 0, "to_export": 0, "votes": 3, "people": 0,
    }  # fmt: skip


def test_a_fresh_clone_waits_for_feedback(tmp_path, models, environment, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    seen = look_at_loop(write_dvc_workspace(tmp_path / "clone", models), {})
    assert (seen["candidate"], seen["champion"], seen["versions"], seen["waits"]) == (None, None, [], [])
    assert "rlhf ingest" in seen["next"]


def test_the_mark_changes_with_what_is_seen_and_with_nothing_else(root, monkeypatch):
    monkeypatch.setattr(looking, "OLD_S", 0.0)
    look = Look(root)
    first = look.now().mark()
    assert look.now().mark() == first
    write_batch(root, "week-3-cccccccc")
    assert look.now().mark() != first


def test_a_young_look_is_not_repeated_and_a_failed_one_leaves_what_was_seen(root, monkeypatch):
    looks = []
    monkeypatch.setattr(looking, "look_at_loop", lambda *_: looks.append(1) or {"at": "now"})
    look = Look(root)
    assert look.now().seen == look.now().seen == {"at": "now"}
    assert len(looks) == 1
    monkeypatch.undo()
    monkeypatch.setattr(looking, "OLD_S", 0.0)
    params = root / "params.yaml"
    text = params.read_text()
    params.write_text("unknown: 1\n")
    try:
        look.now()
    finally:
        params.write_text(text)
    assert look.seen == {"at": "now"}
    assert "params.yaml" in look.fault[0]
    assert look.now().fault is None


def test_a_look_that_failed_as_nobody_expected_is_told_and_not_repeated_at_once(root, monkeypatch):
    looks = []

    def broken(*_):
        looks.append(1)
        raise KeyError("batch")

    monkeypatch.setattr(looking, "look_at_loop", broken)
    look = Look(root, seen={"at": "before"})
    assert look.now().seen == look.now().seen == {"at": "before"}
    assert look.fault[0] == "KeyError: 'batch'"
    assert len(looks) == 1


def test_who_asks_while_somebody_looks_gets_the_last_look(root, monkeypatch):
    monkeypatch.setattr(looking, "OLD_S", 0.0)
    look = Look(root, seen={"at": "before"})
    began, may_end = threading.Event(), threading.Event()

    def slow(*_):
        began.set()
        assert may_end.wait(20)
        return {"at": "after"}

    monkeypatch.setattr(looking, "look_at_loop", slow)
    other = threading.Thread(target=look.now)
    other.start()
    assert began.wait(20)
    assert look.now().seen == {"at": "before"}
    may_end.set()
    other.join()
    assert look.seen == {"at": "after"}


@pytest.mark.parametrize("content", ["", "[]", '{"policy": {"win_rate_vs_sft": "<b>"}}'])
def test_a_damaged_file_of_figures_is_shown_as_not_measured(root, content):
    tracker = connect(root)
    path = checked_files(tracker, get_version(tracker, "reviews", "1")) / "evaluation/metrics.json"
    before = path.read_bytes()
    path.write_text(content)
    try:
        page = board_page(look_at_loop(root, {}), None)
    finally:
        path.write_bytes(before)
    assert "<b>" not in page
    assert "70.0%" in page
