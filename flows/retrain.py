"""Flow `retrain`: every stage of dvc.yaml in order, then its runs and models into MLflow."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from prefect import State, flow, get_run_logger, runtime, task
from prefect.cache_policies import NO_CACHE

from components.errors import DataError, ModelError, PromotionRefusedError, RegistryError
from components.progress import parse_progress
from components.tracking.production import keep_known_champion, place_champion
from components.tracking.registration import register_all
from components.tracking.runs import record_stage
from components.tracking.tracker import connect
from components.tracking.verdict import READY, read_verdict
from components.tracking.versions import Registered
from flows import dvc, outs
from flows.artifacts import show_page
from flows.dead_runs import close_dead_runs
from flows.display import StageRun, display
from flows.git import commit_if_wanted
from flows.graph import stage_order
from flows.ledger import finished, read_ledger
from flows.locks import retraining
from flows.news.telling import tell_candidate
from flows.outcomes import completed, ended
from flows.report import report
from flows.room import refuse_without_room
from flows.watching import deliver_earlier, watching
from flows.workers.placing import check_places, run_placed

EVALUATE = "evaluate"


@flow(name="retrain")
def retrain(root: Path) -> State[dict[str, Any]]:
    """Bring every stage up to date, record it, register what came out.

    Returns:
        "stages": each with its status and seconds; "versions": name, version and whether it is new of "sft",
        "reward" and "candidate"; "verdict" and "reasons" of the candidate; "prefect_run"; "asked", the page where a
        reviewer decides, or None.

    Raises:
        BusyError: another retraining runs in this workspace.
        DataError: there is no feedback yet.
        DiskError: there is no room for what it would write.
        StageFailedError: a stage ended with an error.
        StoppedError: a stage was told to end.
        RegistryError: MLflow cannot be reached; the stages' work is kept.
    """
    return ended(root, lambda: bring_up_to_date(root))


def bring_up_to_date(root: Path) -> State[dict[str, Any]]:
    """What the flow does; its state is Ready, Blocked, or Unchanged where nothing is new. Errors: `retrain`."""
    with retraining(root):
        begun = read_ledger(root).at_work
        close_dead_runs(root)
        check_places(root)
        refuse_without_room(root)
        deliver_earlier(root, get_run_logger().warning)
        _feedback_at_hand(root)
        stages = _run_stages(root)
        commit_if_wanted(root, "Retrain", "dvc.lock")
        versions = register(root, [run.stage for run in stages])
        summary = _summary(root, stages, versions)
        show_page(report(root, summary), "retraining")
    if summary["verdict"] == READY:
        summary["asked"] = ask_reviewer(root, versions["candidate"].version)
    tell_candidate(root, summary)
    finished(root, begun)
    return _outcome(summary)


def _outcome(summary: dict[str, Any]) -> State[dict[str, Any]]:
    candidate = summary["versions"]["candidate"]
    words = [
        f"{candidate['name']} version {candidate['version']} is {summary['verdict']}",
        *summary["reasons"],
    ]
    if all(stage["status"] == "up to date" for stage in summary["stages"]) and not candidate["created"]:
        return completed("Unchanged", f"nothing is new: {'; '.join(words)}", summary)
    return completed(summary["verdict"].capitalize(), "; ".join(words), summary)


def _run_stages(root: Path) -> list[StageRun]:
    """Every stage in order. What DVC calls up to date is skipped unasked until a stage before it has run."""
    hold_against_champion(root)
    stale, runs = dvc.stale(root), []
    for stage in stage_order(root):
        if stage == EVALUATE and any(run.status != "up to date" for run in runs):
            # The policy that was champion itself when this began is now another one.
            hold_against_champion(root)
        if stage not in stale and all(run.status == "up to date" for run in runs) and _is_whole(root, stage):
            runs.append(StageRun(stage, "up to date", 0.0))
            display().finished(runs[-1])
        else:
            runs.append(_run(root, stage))
    return runs


def _run(root: Path, stage: str) -> StageRun:
    """Run a stage; once more where what DVC brought back instead is damaged."""
    task_of_stage = run_stage.with_options(name=stage, task_run_name=stage)
    run = task_of_stage(root, stage)
    return run if run.status == "ran" or _is_whole(root, stage) else task_of_stage(root, stage)


def _is_whole(root: Path, stage: str) -> bool:
    """Whether the stage's outputs are what it wrote; what is not is removed, here and in DVC's cache."""
    damaged = outs.damaged(root, stage)
    if damaged:
        outs.discard(root, stage, damaged)
        words = f"{', '.join(damaged)}: not what {stage} wrote; brought back from DVC's cache or made anew"
        get_run_logger().warning("%s", words)
        display().line(f"warning: {words}")
    return not damaged


@task(cache_policy=NO_CACHE)
def hold_against_champion(root: Path) -> None:
    """Lay the model in production where `evaluate` reads it; without MLflow, what lies there stays.

    Where nothing lies there, the gate `champion` then blocks the candidate: it may be worse than what nobody saw.
    """
    try:
        place_champion(root)
    except (ModelError, RegistryError) as error:
        keep_known_champion(root)
        get_run_logger().warning(
            "the candidate is held against the champion known before: %s (%s)", error.message, error.remedy
        )


@task(cache_policy=NO_CACHE)
def run_stage(root: Path, stage: str) -> StageRun:
    """`dvc repro` of one stage, here or on a worker.

    What it prints goes to the run's log, what it tells of its way to the display.
    """
    logger, screen = get_run_logger(), display()

    def take(line: str) -> None:
        logger.info("%s", line)
        progress = parse_progress(line)
        if progress is not None:
            screen.progress(progress)
            watch.progress(progress)
        elif not dvc.is_dvcs_own(line):
            screen.line(line)

    screen.started(stage)
    with watching(root, stage, logger.warning) as watch:
        run = run_placed(root, stage, take, watch.started)
    screen.finished(run)
    return run


@task(cache_policy=NO_CACHE)
def register(root: Path, stages: list[str]) -> dict[str, Registered]:
    """A run for each stage's last execution and a version of each model. What MLflow has already stays."""
    tracker, prefect_run = connect(root), str(runtime.flow_run.id or "")
    for stage in stages:
        record_stage(tracker, stage, prefect_run)
    return register_all(tracker, prefect_run)


@task(cache_policy=NO_CACHE)
def ask_reviewer(root: Path, version: str) -> str | None:
    """Ask in Prefect's UI where `rlhf serve` has registered that; the candidate is registered either way."""
    # Prefect's runner comes with it: nothing that a retraining without anyone to ask should load.
    from flows.asking import ask_once

    try:
        return ask_once(root, version)
    except (PromotionRefusedError, RegistryError) as error:
        get_run_logger().info("nobody is asked in Prefect: %s (%s)", error.message, error.remedy)
        return None


def _feedback_at_hand(root: Path) -> None:
    dvc.restore_feedback(root)
    if not (root / dvc.FEEDBACK).exists():
        raise DataError(
            "there is no feedback to learn from", "run `rlhf ingest data/samples/*`, or your own files"
        )


def _summary(root: Path, stages: list[StageRun], versions: dict[str, Registered]) -> dict[str, Any]:
    verdict = read_verdict(root / "reports/gates.json")
    return {
        "stages": [asdict(run) for run in stages],
        "versions": {kind: asdict(version) for kind, version in versions.items()},
        "verdict": verdict.verdict,
        "reasons": list(verdict.reasons),
        "prefect_run": str(runtime.flow_run.id or ""),
        "asked": None,
    }
