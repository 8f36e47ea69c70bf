"""What killed processes leave, checkpoints and logs."""

import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from tracking.fake_workspace import PROJECT

from components.cleaning.item import Policy
from components.cleaning.leftovers import checkpoints, copies, leftovers, logs
from components.config.retention import RetentionParams
from components.errors import BusyError
from components.files import replacing_directory, write_text
from components.locks import exclusive, is_held
from flows.clean import clean_workspace

PARAMS = RetentionParams(candidates=1, production=2, grace_days=1, runs_days=0, logs_days=30)


def after(days):
    return Policy(PARAMS, time.time() + days * 86_400)


def removed(items):
    found = []
    for item in items:
        item.remove()
        found.append(item.name)
    return sorted(found)


def test_half_written_things_go_when_they_are_a_day_old(tmp_path):
    write_text(tmp_path / "models/.sft.abc.tmp/model.safetensors", "half")
    write_text(tmp_path / "data/feedback/.week-1.abc.tmp", "half")
    write_text(tmp_path / ".rlhf/tmp/tmpxyz/model/config.json", "killed upload")
    write_text(tmp_path / ".rlhf/mlartifacts/.x.tmp", "MLflow's own")
    write_text(tmp_path / "models/sft/model.safetensors", "whole")
    assert removed(leftovers(tmp_path, after(0))) == []
    assert removed(leftovers(tmp_path, after(2))) == [
        ".rlhf/tmp/tmpxyz",
        "data/feedback/.week-1.abc.tmp",
        "models/.sft.abc.tmp",
    ]
    assert (tmp_path / "models/sft/model.safetensors").exists()
    assert (tmp_path / ".rlhf/mlartifacts/.x.tmp").exists()


def test_the_good_one_of_two_renames_is_put_back_and_not_removed(tmp_path):
    write_text(tmp_path / "models/.sft.retired.tmp/model.safetensors", "still good")
    assert removed(leftovers(tmp_path, after(2))) == []
    with pytest.raises(KeyError), replacing_directory(tmp_path / "models/sft"):
        raise KeyError
    assert (tmp_path / "models/sft/model.safetensors").read_text() == "still good"
    write_text(tmp_path / "models/.sft.retired.tmp/model.safetensors", "replaced since")
    assert removed(leftovers(tmp_path, after(2))) == ["models/.sft.retired.tmp"]


def test_checkpoints_go_unless_a_stage_would_go_on_from_them(tmp_path, monkeypatch):
    from components.stages.checkpointing import key_of

    write_text(tmp_path / "params.yaml", "seed: 7\n")
    write_text(tmp_path / "dvc.yaml", "stages: {sft: {deps: [rows], params: [seed]}}\n")
    write_text(tmp_path / "rows", "rows")
    monkeypatch.chdir(tmp_path)
    key = key_of("sft")
    monkeypatch.chdir("/")
    for home in ("checkpoints", "snapshots"):
        # The third is of a machine with another build of torch, which trains this stage in the same folder.
        for name in (f"sft/{key}", "sft/other", f"sft/{key.partition('-')[0]}-12345678", "gone/other"):
            write_text(tmp_path / ".rlhf" / home / name / "step-00000001/state.json", "{}")
    assert removed(checkpoints(tmp_path, after(0))) == []
    homes = (".rlhf/checkpoints", ".rlhf/snapshots")
    assert removed(checkpoints(tmp_path, after(2))) == [
        f"{home}/{name}" for home in homes for name in ("gone/other", "sft/other")
    ]
    # An input that is missing may be made again as it was.
    (tmp_path / "rows").unlink()
    assert removed(checkpoints(tmp_path, after(2))) == []


def test_copies_of_versions_that_are_gone_and_old_logs(tmp_path):
    for number in ("1", "2"):
        write_text(tmp_path / ".rlhf/versions/reviews" / number / "model/config.json", "{}")
        write_text(tmp_path / f".rlhf/versions/reviews/{number}.lock", "")
    for name in ("prefect.log", "prefect.log.1", "serve.asked"):
        write_text(tmp_path / ".rlhf/up" / name, "old")
    found = removed(copies(tmp_path, {("reviews", "2")}, after(2)))
    assert found == [".rlhf/versions/reviews/1", ".rlhf/versions/reviews/1.lock"]
    assert removed(logs(tmp_path, after(29))) == []
    with exclusive(tmp_path / ".rlhf/up.lock"):
        # What runs holds its log open, however long it has said nothing.
        assert removed(logs(tmp_path, after(31))) == []
    assert removed(logs(tmp_path, after(31))) == [".rlhf/up/prefect.log", ".rlhf/up/prefect.log.1"]


@contextmanager
def a_stage_of_dvc(root):
    command = [sys.executable, "-c", "import time; time.sleep(60)", "repro"]
    with subprocess.Popen(command) as process:
        listed = f'{{"write": {{"models/sft": {{"pid": {process.pid}, "cmd": "dvc repro"}}}}}}'
        write_text(root / ".dvc/tmp/rwlock", listed)
        yield
        process.kill()


def write_left(root):
    """A workspace with something that may go when it is old enough."""
    write_text(root / "params.yaml", (PROJECT / "params.yaml").read_text())
    write_text(root / ".rlhf/tmp/left/x", "x")


@pytest.mark.parametrize(
    ("holding", "said"),
    [
        (lambda root: exclusive(root / ".rlhf/retrain.lock"), "a retraining is running"),
        (lambda root: exclusive(root / ".rlhf/ingestion.lock"), "an ingestion or a change of feedback"),
        (lambda root: exclusive(root / ".rlhf/promote.lock"), "a promotion or a rollback is running"),
        (lambda root: exclusive(root / ".dvc/tmp/lock"), "a DVC command is running"),
        (a_stage_of_dvc, "process [0-9]+ is running: dvc repro"),
        # Of another machine, whose numbers of processes say nothing here.
        (lambda root: exclusive(root / ".rlhf/stages/ppo-1.lock"), "stage ppo is running"),
    ],
)
def test_nothing_goes_while_somebody_is_at_work(tmp_path, holding, said):
    write_left(tmp_path)
    with holding(tmp_path), pytest.raises(BusyError, match=said):
        clean_workspace(tmp_path, 0.0, lambda item: None)
    assert (tmp_path / ".rlhf/tmp/left/x").exists()


def test_nobody_promotes_while_something_goes(tmp_path, monkeypatch):
    write_left(tmp_path)
    locks = [tmp_path / ".rlhf" / f"{name}.lock" for name in ("retrain", "ingestion", "promote")]
    monkeypatch.setattr("flows.clean.clean", lambda *_: [is_held(lock) for lock in locks])
    assert clean_workspace(tmp_path, 0.0, lambda item: None) == [True, True, True]
