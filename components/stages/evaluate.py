"""Stage `evaluate`: all models + held-out prompts and pairs -> figures, gates, side-by-side answers, the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from components.config import Params, load_params
from components.errors import DataError
from components.evaluation.alarms import as_rows, raised
from components.evaluation.answers import Sample, to_jsonl
from components.evaluation.gates import Verdict, judge_candidate
from components.evaluation.intervals import Bootstrap
from components.evaluation.leaks import leaked_share
from components.evaluation.model_card import Subject, model_card
from components.evaluation.report import write_report
from components.evaluation.steps import read_all_steps, read_steps
from components.files import read_json, write_json, write_text
from components.modeling.device import seed_everything
from components.modeling.text_format import TextFormat
from components.progress import Progress
from components.records import Preference, Prompt
from components.stages.answering import draw
from components.stages.comparison import compare_models, parts
from components.stages.pair_counts import pairs_learned
from components.stages.paths import JUDGE, POLICY, REPORTS, REWARD, metrics_file, steps_file
from components.stages.planted import planted_phrase
from components.stages.prepared import load_demonstrations, load_preferences, load_prompts
from components.stages.reward_quality import RewardQuality, measure_reward_model
from components.stages.running import run_stage

STAGE = "evaluate"
#: Before and after the comparison of models: the reward models; the figures that go with tokens; the report.
PARTS = 3


def main() -> None:
    params = load_params()
    seed_everything(params.seed)
    bootstrap = Bootstrap(params.evaluate.bootstrap_samples, params.evaluate.confidence, params.seed)
    say = Course(PARTS + parts())
    reward, judge = _reward_models(params, bootstrap)
    say({"reward_accuracy": reward.accuracy.value, "judge_accuracy": judge.accuracy.value})
    prompts = _prompts(params)
    comparison = compare_models(prompts, params.evaluate, params.seed, bootstrap, say)
    say({"win_rate_vs_sft": comparison.figures["policy"]["win_rate_vs_sft"]})
    metrics = {"reward_model": reward.figures(), "judge": judge.figures(), **comparison.figures}
    learned = load_preferences("train")
    metrics["policy"] |= _planted_phrase(comparison.samples, learned, params)
    metrics["data"] = {"leaked_share": _leaked_share(prompts, learned)}
    metrics["training"] = {"alarms": _alarms(params)}
    metrics["selection"] = read_json(metrics_file("select"))
    for stage in ("reward_model", "judge", "dpo"):
        metrics[stage] |= pairs_learned(stage)
    verdict = judge_candidate(metrics, params.gates)
    _write(metrics, verdict, comparison.samples, params, {"Reward model": reward, "Judge": judge})
    say({})
    print(f"verdict: {verdict.verdict}")


def _reward_models(params: Params, bootstrap: Bootstrap) -> tuple[RewardQuality, RewardQuality]:
    preferences = load_preferences("test")
    bins = params.evaluate.calibration_bins
    return (
        measure_reward_model(REWARD, preferences, bins, bootstrap),
        measure_reward_model(JUDGE, preferences, bins, bootstrap),
    )


def _prompts(params: Params) -> list[Prompt]:
    prompts = draw(load_prompts("test"), params.evaluate.prompts)
    if not prompts:
        raise DataError("no prompt is held out for evaluation", "ingest feedback on more prompts")
    return prompts


def _leaked_share(evaluated: list[Prompt], preferences: list[Preference]) -> float:
    """Of the prompts evaluated on, those that were learned from, by whichever stage."""
    learned = [row.prompt for row in load_prompts("train")]
    learned += [row.prompt for row in load_demonstrations("train")]
    learned += [row.prompt for row in preferences]
    return leaked_share([row.prompt for row in evaluated], learned)


def _planted_phrase(samples: list[Sample], learned: list[Preference], params: Params) -> dict[str, Any]:
    """In the policy's answers, by whichever reward model's judgements."""
    answers = [sample.answers["policy"].text for sample in samples]
    return planted_phrase(answers, learned, params.feedback.hold.poison_lift)


def _alarms(params: Params) -> list[dict[str, Any]]:
    """What the run of PPO said aloud, as far as it gave no reason to end it."""
    return [asdict(alarm) for alarm in raised(as_rows(read_steps(steps_file("ppo"))), params.alarms)]


def _write(
    metrics: dict[str, Any],
    verdict: Verdict,
    samples: list[Sample],
    params: Params,
    scorers: dict[str, RewardQuality],
) -> None:
    write_json(REPORTS / "metrics.json", metrics)
    write_json(REPORTS / "gates.json", verdict.to_json())
    write_text(REPORTS / "samples.jsonl", to_jsonl(samples))
    write_report(
        REPORTS / "report.html",
        metrics=metrics,
        verdict=verdict,
        steps=read_all_steps(REPORTS / "steps"),
        samples=samples,
        shown=params.evaluate.side_by_side,
        reliability={name: quality.calibration for name, quality in scorers.items()},
    )
    write_text(REPORTS / "model_card.md", model_card(metrics, verdict, _subject(params)))


def _subject(params: Params) -> Subject:
    """The candidate, by what its folder and the feedback say. Under which licence it is given nobody has said."""
    text_format = TextFormat.load(POLICY)
    return Subject(
        "candidate",
        base=hub_id(params.model.base),
        language=sorted({row.language for row in load_prompts("train")} - {""}),
        prompt_template=text_format.prompt_template,
        max_response_tokens=text_format.max_response_tokens,
    )


def hub_id(base: str) -> str | None:
    """The base model where others can find it: a folder of this machine means nothing to them."""
    return None if base == "tiny" or Path(base).is_dir() else base


class Course:
    """Tells how many of so many parts are done."""

    def __init__(self, total: int) -> None:
        self._done, self._total = 0, total

    def __call__(self, metrics: Mapping[str, float]) -> None:
        self._done += 1
        print(Progress(STAGE, self._done, self._total, dict(metrics)).line(), flush=True)


if __name__ == "__main__":
    run_stage(main, STAGE)
