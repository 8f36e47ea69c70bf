"""What the stages `reward_model` and `judge` share: the same training on other feedback with another seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from statistics import fmean

from components.config import Params, RewardParams
from components.errors import DataError
from components.evaluation.intervals import number
from components.files import replacing_directory
from components.modeling.device import seed_everything
from components.modeling.loading import save_model
from components.stages.backbone import Backbone, start_backbone
from components.stages.fitting import fit_to_people, measure_scale
from components.stages.forgetting import after_outputs
from components.stages.pair_counts import count_pairs
from components.stages.preference_data import Lesson, load_lesson
from components.stages.step_log import LaterSteps, StepLog
from components.stages.training_run import start_run
from components.training.prompt_groups import count_lessons
from components.training.rated_answers import EncodedRating
from components.training.reward_model import EncodedPair, train_reward_model
from components.training.run import Run
from components.training.scoring import member_folder

Judgements = Sequence[EncodedPair | EncodedRating]


@dataclass(frozen=True)
class Setting:
    """Which preference model: its stage, the role whose preferences it learns, its folder, its parameters, its seed."""

    stage: str
    role: str
    folder: Path
    learning: RewardParams
    seed: int


def train_preference_model(setting: Setting, params: Params) -> None:
    """Train on the role's feedback, fix the scale, the temperature and the stars, and write folder and reports."""
    lesson = load_lesson(setting.role, setting.learning)
    member = _start_member(setting, 0)
    judgements = _encode(lesson, member, setting)
    steps = [
        count_lessons(judgements, setting.learning, setting.seed + number)
        for number in range(setting.learning.ensemble)
    ]
    log = StepLog(setting.stage, sum(steps), shown=("loss", "accuracy"))
    run = start_run(setting.stage, params, setting.seed, log)
    with _writing(setting.folder, run) as staged:
        for number in range(setting.learning.ensemble):
            member = member if number == 0 else _start_member(setting, number)
            part = _part_of(run, log, number, sum(steps[:number]), setting)
            train_reward_model(member.model, judgements, setting.learning, part)
            if staged is not None:
                _save(member, member_folder(staged, number))
        if staged is None:
            return
        figures = fit_to_people(staged)
    log.write(_counts(lesson, judgements) | _of_training(log, steps) | figures)
    after_outputs(setting.stage)


def _start_member(setting: Setting, number: int) -> Backbone:
    """Members differ in the head they start with and in the order of their data (Coste 2023, section 4)."""
    seed_everything(setting.seed + number)
    return start_backbone(setting.learning)


def _encode(lesson: Lesson, member: Backbone, setting: Setting) -> Judgements:
    judgements = lesson.encode(member.tokenizer, member.text_format, setting.learning)
    if not judgements:
        raise DataError(
            "the two answers of every pair are the same once they are cut to max_response_tokens",
            "set max_response_tokens higher in params.yaml",
        )
    return judgements


def _writing(folder: Path, run: Run) -> AbstractContextManager[Path | None]:
    """The folder to write into; None in a process that only helps."""
    return replacing_directory(folder) if run.leads else nullcontext()


def _part_of(run: Run, log: StepLog, number: int, done: int, setting: Setting) -> Run:
    """A member's part of the run: another seed, the log's later steps, and checkpoints of its own."""
    if setting.learning.ensemble == 1:
        return run
    return replace(
        run,
        seed=run.seed + number,
        log=LaterSteps(log, done),
        checkpoints=run.checkpoints.of_part(f"member-{number}"),
    )


def _save(member: Backbone, folder: Path) -> None:
    save_model(folder, member.model, member.tokenizer, member.text_format)
    measure_scale(member).save(folder)


def _counts(lesson: Lesson, judgements: Judgements) -> dict[str, object]:
    kinds = Counter(rating.kind for rating in lesson.ratings)
    taught = sum(isinstance(judgement, EncodedPair) for judgement in judgements)
    return {
        **count_pairs(len(lesson.preferences), taught),
        "ratings": kinds["rating"],
        "thumbs": kinds["thumbs"],
    }


def _of_training(log: StepLog, steps: Sequence[int]) -> dict[str, object]:
    """The last figures of training: the mean over the members."""
    ends = list(zip(accumulate(steps), steps, strict=True))
    return {
        f"train_{name}": number(fmean(log.mean_before(name, end, count) for end, count in ends))
        for name in ("loss", "accuracy")
    }
