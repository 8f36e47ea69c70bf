"""The whole loop as a stranger runs it: feedback files in, a promoted model out, and a second run that does nothing.

On the shipped sample with the shipped parameters, in a fresh copy of the project, with embedded servers only.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from benchmarks.quarter.project import copy_files

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
STAGES = ["prepare", "sft", "reward_model", "judge", "ppo", "select", "dpo", "evaluate"]


def rlhf(workspace: Path, *arguments: str, timeout: int = 1500) -> subprocess.CompletedProcess:
    return subprocess.run(
        [str(BIN / "rlhf"), *arguments],
        cwd=workspace,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def environment() -> dict[str, str]:
    """A person's shell: no server named, and as many threads as the machine has.

    Where two processes share the suite, one thread: threads that wait for each other's cores take twice as long.
    """
    left_out = ["PREFECT", "MLFLOW", "RLHF_AUTHOR"]
    if "PYTEST_XDIST_WORKER" not in os.environ:
        left_out.append("OMP_NUM_THREADS")
    return {name: value for name, value in os.environ.items() if not name.startswith(tuple(left_out))}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clone") / "project"
    copy_files(folder)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="module")
def loop(workspace):
    """The demo's commands; what each printed as JSON."""
    files = sorted(str(path) for path in (workspace / "data/samples").iterdir())
    ingested = rlhf(workspace, "ingest", "--json", *files)
    assert ingested.returncode == 0, ingested.stderr
    results = [json.loads(line) for line in ingested.stdout.splitlines()]
    held = [result["batch"] for result in results if result["status"] == "held"]
    for batch in held:
        released = rlhf(workspace, "feedback", "release", batch, "--why", "a rehearsal")
        assert released.returncode == 0, released.stderr
    retrained = rlhf(workspace, "retrain", "--json")
    assert retrained.returncode == 0, retrained.stdout + retrained.stderr
    return {
        "ingest": results,
        "held": held,
        "retrain": json.loads(retrained.stdout),
        "metrics": json.loads((workspace / "reports/metrics.json").read_text()),
    }


def test_every_row_of_the_sample_is_accounted_for(loop):
    assert len(loop["ingest"]) == len(list((ROOT / "data/samples").iterdir()))
    for batch in loop["ingest"]:
        assert batch["status"] in ("accepted", "held")
        assert batch["read"] == batch["accepted"] + batch["quarantined"] + batch["duplicates"]
    broken = [batch for batch in loop["ingest"] if batch["quarantined"]]
    assert [batch["reasons"] for batch in broken] == [
        {"DUP_ID": 1, "EMPTY_RESP": 1, "IDENTICAL": 1, "JSON": 1, "SPECIAL_TOKEN": 1, "TYPE": 1}
    ]


def test_the_spammer_made_a_batch_wait(loop):
    """One of the sample's annotators always clicks the first answer; only one file tells which stood first."""
    (batch,) = loop["held"]
    assert batch.startswith("week-3-comparisons-")


def test_the_reward_model_found_the_hidden_utility(loop):
    reward = loop["metrics"]["reward_model"]
    assert reward["accuracy"] > reward["longer_wins_accuracy"]
    assert reward["accuracy"] >= 0.95 * reward["bayes_accuracy"]


def test_ppo_raised_the_truth_and_not_only_the_proxy(loop):
    policy = loop["metrics"]["policy"]
    lower, upper = policy["gold_win_rate_vs_sft_ci"]
    assert 0.65 < lower <= policy["gold_win_rate_vs_sft"] <= upper
    assert policy["win_rate_vs_sft"] > 0.5
    assert policy["sequence_kl"] <= 10
    assert loop["metrics"]["dpo"].keys() >= {"gold_win_rate_vs_sft", "win_rate_vs_sft", "sequence_kl"}


def test_every_stage_ran_and_the_candidate_is_ready(loop):
    ran = [stage["stage"] for stage in loop["retrain"]["stages"]]
    assert sorted(ran) == sorted(STAGES)
    assert ran.index("prepare") < ran.index("sft") < ran.index("reward_model") < ran.index("ppo")
    assert ran[-1] == "evaluate"
    assert loop["retrain"]["verdict"] == "READY"
    assert set(loop["retrain"]["versions"]) == {"sft", "reward", "candidate"}


def test_promoted_asked_and_rolled_up_in_status(workspace, loop):
    version = loop["retrain"]["versions"]["candidate"]["version"]
    promoted = rlhf(workspace, "promote", str(version), "--approver", "someone-else")
    assert promoted.returncode == 0, promoted.stderr
    asked = rlhf(
        workspace, "generate", "Review the Luma Pro for gamers and mention the screen.", "-n", "2", "--json"
    )
    answers = json.loads(asked.stdout)["answers"]
    assert len(answers) == 2
    assert all(answer["text"] and answer["stars"].endswith("out of 5 stars") for answer in answers)
    status = json.loads(rlhf(workspace, "status", "--json").stdout)
    assert status["champion"]["candidate"] == status["candidate"]["version"]
    assert {stage["state"] for stage in status["stages"]} == {"up to date"}


def test_a_second_run_does_nothing_and_dvc_is_clean(workspace, loop):
    files = sorted(str(path) for path in (workspace / "data/samples").iterdir())
    again = rlhf(workspace, "ingest", "--json", *files)
    assert {json.loads(line)["status"] for line in again.stdout.splitlines()} == {"already_ingested"}
    summary = json.loads(rlhf(workspace, "retrain", "--json").stdout)
    assert {stage["status"] for stage in summary["stages"]} == {"up to date"}
    assert not any(version["created"] for version in summary["versions"].values())
    dvc = subprocess.run([str(BIN / "dvc"), "status"], cwd=workspace, capture_output=True, text=True)
    assert "up to date" in dvc.stdout


def test_no_process_is_left_behind(workspace, loop):
    left = [
        process.info["cmdline"]
        for process in psutil.process_iter(["cmdline", "cwd"])
        if process.info["cwd"] and Path(process.info["cwd"]).is_relative_to(workspace)
    ]
    assert left == []
