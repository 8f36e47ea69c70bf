"""`rlhf next-batch` in a workspace with real registered models, and its pairs on their way round."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections import Counter
from dataclasses import asdict

import polars as pl
import pytest
import yaml
from collecting.collect_case import Near, lines, link, store_of
from tracking.conftest import make_root
from tracking.fake_workspace import PROJECT, READY, write_reports

from benchmarks.ours.log import Steps
from components.collecting.progress import median_seconds
from components.config import SupervisedParams
from components.errors import FeedbackError
from components.feedback.ingestion import ingest_file
from components.feedback.splits import role_of, split_of
from components.feedback.store import scan_rows
from components.modeling.loading import load_policy, save_model
from components.records import Preference, Prompt
from components.tracking.promotion import promote
from components.tracking.registration import register_all
from components.tracking.tracker import connect
from components.training.encoding import encode_pairs
from components.training.run import Run
from components.training.sft import train_sft
from flows.cli import main
from flows.health.drift import is_fair

PROMPTS = [f"the battery {number}" for number in range(120)]


def write_prepared(root):
    """As the stage `prepare` does: the prompts that may teach, and what the reward model learned from."""
    train = [text for text in PROMPTS if split_of(text, 0.1, 0.2) == "train"]
    taught = [Preference(text, "it lasts long", "a dim screen") for text in train[:30]]
    tables = {
        "prompts": [Prompt(text, "s", "en") for text in train],
        "preferences": [row for row in taught if role_of(row.prompt, 0.35) == "reward"],
    }
    for name, rows in tables.items():
        (root / "data/prepared" / name).mkdir(parents=True)
        frame = [{key: value for key, value in asdict(row).items() if key != "opinions"} for row in rows]
        pl.DataFrame(frame).write_parquet(root / "data/prepared" / name / "train.parquet")


def teach(folder, says):
    """Random weights say signs that ingestion refuses: the model in `folder` learns to speak of phones."""
    model, tokenizer, text_format = load_policy(folder)
    answers = [
        f"the {thing} {says} {word}" for thing in ("battery", "camera") for word in ("long", "fair", "sharp")
    ]
    rows = encode_pairs(tokenizer, text_format, PROMPTS[:12], answers * 2)
    params = SupervisedParams(
        epochs=40, batch_size=12, learning_rate=5e-3, warmup_share=0.1, weight_decay=0.0
    )
    train_sft(model, rows, params, Run(1, Steps()))
    save_model(folder, model, tokenizer, text_format)


def make_project(folder, models, database, monkeypatch):
    """One model: the candidate is the champion."""
    root = make_root(folder, models, database, monkeypatch)
    (root / "dvc.yaml").write_text((PROJECT / "dvc.yaml").read_text())
    teach(root / "models/policy", "lasts")
    register_all(connect(root))
    promote(connect(root), "1", "reviewer")
    write_prepared(root)
    # Its rows are no feedback.
    shutil.rmtree(root / "data/feedback")
    return root


def register_another(root):
    """A later candidate with another policy."""
    teach(root / "models/policy", "was")
    write_reports(root, READY | {"note": "another"})
    register_all(connect(root))


@pytest.fixture(scope="module")
def project(tmp_path_factory, models, database):
    """Registering takes seconds: tests that leave the registry as it is share one."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield make_project(tmp_path_factory.mktemp("project") / "root", models, database, monkeypatch)


@pytest.fixture
def root(project):
    params = (project / "params.yaml").read_bytes()
    yield project
    (project / "params.yaml").write_bytes(params)


@pytest.fixture
def rlhf(monkeypatch, capsys):
    """The command in a folder, in this process; exit status, stdout, stderr."""
    kept = dict(os.environ)

    def run(root, *words):
        monkeypatch.chdir(root)
        monkeypatch.setattr(sys, "argv", ["rlhf", *map(str, words)])
        handler = signal.getsignal(signal.SIGTERM)
        with pytest.raises(SystemExit) as ended:
            main()
        signal.signal(signal.SIGTERM, handler)
        out, err = capsys.readouterr()
        return ended.value.code or 0, out, err

    yield run
    os.environ.clear()
    os.environ |= kept


def change(root, **values):
    params = yaml.safe_load((root / "params.yaml").read_text())
    params["choose"] |= values
    (root / "params.yaml").write_text(yaml.safe_dump(params))


def test_round_the_loop(rlhf, root):
    status, out, _ = rlhf(root, "next-batch", "own.jsonl", "-n", "5")
    assert (status, "5 pairs of answers by reviews 1 alone" in out) == (0, True)
    assert {row["why"]["model_b"] for row in lines(root / "own.jsonl")} == {"reviews 1"}

    register_another(root)
    status, out, err = rlhf(root, "next-batch", "-n", "12", "--to-collect", "--seed", "5")
    assert status == 0, err
    kept = root / ".rlhf/collect/next-batch-5.jsonl"
    rows = lines(kept)
    assert "12 pairs of answers by reviews 1 and reviews-candidate 2" in out
    assert "36 judgements at 3 a pair\n" in out
    assert "12 added, 0 there already, 0 refused" in out
    assert "mean nothing here" not in err
    assert out.splitlines()[-1].startswith("next: `rlhf collect invite")
    assert {frozenset((row["why"]["model_a"], row["why"]["model_b"])) for row in rows} == {
        frozenset(("reviews 1", "reviews-candidate 2"))
    }
    # Both stand on either side.
    assert len({row["why"]["model_a"] for row in rows}) == 2
    assert {row["language"] for row in rows} == {"en"}

    ann = Near(root, link(root, "ann"))
    for _ in rows:
        assert ann.judge("left").status_code == 200
    assert median_seconds(store_of(root)) >= 0
    assert rlhf(root, "collect", "export", "judged.jsonl")[0] == 0
    found = ingest_file(root / "judged.jsonl", root / "data")
    assert (found.read, found.accepted) == (12, 12)
    room = "held" if found.status == "held" else "feedback"
    accepted = scan_rows(root / "data" / room / found.batch)
    by_id = {row["id"]: row["why"]["chosen_by"] for row in rows}
    tasks = [json.loads(meta)["task"] for meta in accepted.collect()["meta"]]
    assert sorted(tasks) == sorted(by_id)
    # What measures production's reward model on new judgements leaves out those chosen for being hard.
    fair = [json.loads(meta)["task"] for meta in accepted.filter(is_fair()).collect()["meta"]]
    assert sorted(fair) == sorted(name for name, why in by_id.items() if why == "random")

    status, out, _ = rlhf(root, "next-batch", "pairs.jsonl", "-n", "4", "--json")
    told = json.loads(out)
    assert (told["judgements"], told["votes"], told["pairs"]) == (12, 3, 4)
    assert told["minutes"] is not None


def test_prompts_that_examine_are_never_asked_about(rlhf, root):
    (root / "prompts.jsonl").write_text("".join(json.dumps({"prompt": text}) + "\n" for text in PROMPTS))
    train = {text for text in PROMPTS if split_of(text, 0.1, 0.2) == "train"}
    status, out, _ = rlhf(
        root, "next-batch", "examine.jsonl", "-n", "60", "--prompts", "prompts.jsonl", "--json"
    )
    told = json.loads(out)
    assert (status, told["held_out_prompts"], told["prompts"]) == (0, 120 - len(train), len(train))
    rows = lines(root / "examine.jsonl")
    assert {row["prompt"] for row in rows} <= train
    assert {row["why"]["chosen_by"] for row in rows if role_of(row["prompt"], 0.35) == "judge"} == {"random"}
    (root / "none.jsonl").write_text(json.dumps({"prompt": min(set(PROMPTS) - train)}) + "\n")
    status, _, err = rlhf(root, "next-batch", "q.jsonl", "--prompts", "none.jsonl")
    assert (status, "all 1 belong to validation or test" in err) == (1, True)


def test_the_section_is_read(rlhf, root):
    change(root, random_share=1.0, prompts=1)
    rlhf(root, "next-batch", "chance.jsonl", "-n", "10")
    assert {row["why"]["chosen_by"] for row in lines(root / "chance.jsonl")} == {"random"}
    change(root, random_share=0.0, prompts=2, answers=2)
    _, out, _ = rlhf(root, "next-batch", "chosen.jsonl", "-n", "10", "--json")
    assert json.loads(out)["prompts"] == 20
    by_role = Counter(
        (row["why"]["teaches"], row["why"]["chosen_by"]) for row in lines(root / "chosen.jsonl")
    )
    assert by_role.keys() == {("reward model", "information"), ("judge", "random")}


def test_where_they_cannot_be_added_it_is_told_where_they_are(rlhf, root, monkeypatch):
    def full(*_):
        raise FeedbackError("the disk is full", "make room")

    monkeypatch.setattr("components.collecting.tasks.add_tasks", full)
    status, out, err = rlhf(root, "next-batch", "-n", "2", "--to-collect", "--seed", "12")
    assert (status, "seed 12" in out) == (1, True)
    assert f"`rlhf collect tasks {root / '.rlhf/collect/next-batch-12.jsonl'}` adds them" in " ".join(
        err.split()
    )
    assert len(lines(root / ".rlhf/collect/next-batch-12.jsonl")) == 2


def test_for_machines_it_is_one_object_with_what_was_added(rlhf, root):
    status, out, _ = rlhf(root, "next-batch", "-n", "2", "--to-collect", "--seed", "11", "--json")
    told = json.loads(out)
    assert (status, told["pairs"], told["collect"]["refused"]) == (0, 2, [])
    assert told["collect"]["added"] + told["collect"]["known"] + told["collect"]["marked"] == 2


def test_the_same_seed_gives_the_same_file(rlhf, root):
    for name in ("one", "two"):
        assert rlhf(root, "next-batch", f"{name}.jsonl", "-n", "6", "--seed", "8")[0] == 0
    assert (root / "one.jsonl").read_bytes() == (root / "two.jsonl").read_bytes()
    seeds = {
        json.loads(rlhf(root, "next-batch", f"{name}.jsonl", "-n", "2", "--json")[1])["seed"] for name in "ab"
    }
    assert len(seeds) == 2


def test_few_prompts_give_few_pairs(rlhf, root):
    train = [text for text in PROMPTS if split_of(text, 0.1, 0.2) == "train"]
    (root / "two.jsonl").write_text("".join(json.dumps({"prompt": text}) + "\n" for text in train[:2]))
    status, out, err = rlhf(root, "next-batch", "few.jsonl", "-n", "50", "--prompts", "two.jsonl", "--json")
    assert (status, "of 50 pairs: give more prompts" in err) == (0, True)
    assert json.loads(out)["pairs"] == len(lines(root / "few.jsonl")) <= 12


def test_where_it_goes(rlhf, root):
    assert rlhf(root, "next-batch")[0] == 2
    assert rlhf(root, "next-batch", "pairs.csv")[0] == 2
    (root / "there.jsonl").write_text("")
    status, _, err = rlhf(root, "next-batch", "there.jsonl")
    assert (status, "is there already" in err) == (1, True)
    assert (root / "there.jsonl").read_text() == ""
