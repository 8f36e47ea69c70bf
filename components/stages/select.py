"""Stage `select`: models/ppo + the judge + validation prompts -> models/policy, the candidate."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from components.config import Params, load_params
from components.errors import DataError
from components.evaluation.intervals import Bootstrap
from components.evaluation.over_optimisation import Selection, Snapshot, select
from components.files import replacing_directory, write_json, write_text
from components.modeling.device import seed_everything
from components.progress import Progress
from components.records import Prompt
from components.stages.answering import Yardsticks, answer_prompts, draw, load_yardsticks
from components.stages.candidates import kept_policies
from components.stages.paths import POLICY, SFT, metrics_file, steps_file
from components.stages.prepared import load_prompts
from components.stages.running import run_stage
from components.stages.step_log import as_csv

STAGE = "select"


def main() -> None:
    params = load_params()
    seed_everything(params.seed)
    folders = kept_policies()
    course = _course({0: SFT} | folders, _prompts(params), params)
    by_judge = params.select.by == "judge"
    selection = select(course, by_judge, params.gates.max_sequence_kl, _bootstrap(params))
    with replacing_directory(POLICY) as folder:
        shutil.copytree(folders[selection.chosen], folder, dirs_exist_ok=True)
    _write(selection)
    print(f"the candidate is the policy after iteration {selection.chosen} of {selection.last}")


def _prompts(params: Params) -> list[Prompt]:
    """Others than those of the evaluation: who was picked by luck would be lucky there too."""
    prompts = draw(load_prompts("validation"), params.select.prompts)
    if not prompts:
        raise DataError(
            "no prompt is held out for choosing the candidate",
            "ingest feedback on more prompts, or raise prepare.validation_share",
        )
    return prompts


def _bootstrap(params: Params) -> Bootstrap:
    return Bootstrap(params.evaluate.bootstrap_samples, params.evaluate.confidence, params.seed)


def _course(folders: dict[int, Path], prompts: Sequence[Prompt], params: Params) -> list[Snapshot]:
    measure, course = load_yardsticks(), []
    for done, (iteration, folder) in enumerate(folders.items(), start=1):
        course.append(_snapshot(iteration, folder, prompts, params, measure))
        figures = {"iteration": float(iteration), "kl": course[-1].sequence_kl}
        print(Progress(STAGE, done, len(folders), figures).line(), flush=True)
    return course


def _snapshot(
    iteration: int, folder: Path, prompts: Sequence[Prompt], params: Params, measure: Yardsticks
) -> Snapshot:
    found = answer_prompts(folder, prompts, params.evaluate.temperature, params.seed, measure)
    return Snapshot(iteration, found.sequence_kl, found.reward, found.judge, found.gold)


def _write(selection: Selection) -> None:
    figures = selection.figures()
    write_json(metrics_file(STAGE), figures)
    write_text(
        steps_file(STAGE), as_csv([{"step": point["iteration"], **point} for point in figures["course"]])
    )


if __name__ == "__main__":
    run_stage(main, STAGE)
