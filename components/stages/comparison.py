"""All models on the same held-out prompts: the SFT model, the PPO policy, the DPO baseline, and where there are any,
the champion and the SFT model's best of n answers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from components.config import EvaluateParams
from components.evaluation.answers import Sample
from components.evaluation.best_of_n import n_for
from components.evaluation.intervals import Bootstrap, number
from components.evaluation.new_phrases import most_frequent_new_phrase
from components.evaluation.prompt_statistics import describe_beside_prompts
from components.evaluation.text_statistics import describe
from components.files import digest_of, digest_tree
from components.records import Prompt
from components.stages.against import against, by_slice
from components.stages.answering import Answered, Yardsticks, answer_prompts, load_yardsticks
from components.stages.best_of_n import BestOf, best_of_n
from components.stages.paths import CHAMPION, CHAMPION_UNKNOWN, DPO, POLICY, SFT
from components.stages.side_by_side import side_by_side, with_token_figures

MODELS = {"sft": SFT, "policy": POLICY, "dpo": DPO}
#: Is told that a part is done, and of figures that are known by then.
Done = Callable[[Mapping[str, float]], None]


@dataclass(frozen=True)
class Comparison:
    """Attributes: figures: the sections of reports/metrics.json that tell of models, by name."""

    figures: dict[str, dict[str, Any]]
    samples: list[Sample]


def compare_models(
    prompts: Sequence[Prompt],
    params: EvaluateParams,
    seed: int,
    bootstrap: Bootstrap,
    done: Done = lambda _: None,
) -> Comparison:
    """Let each model answer every prompt once, with the same seed, and hold each against the others.

    Args:
        done: is told each of the `parts()` when it is done.
    """
    measure, answered = load_yardsticks(), dict[str, Answered]()
    for name, folder in models().items():
        answered[name] = answer_prompts(folder, prompts, params.temperature, seed, measure)
        done({f"{name}_judge": fmean(answered[name].judge)})
    best = _best_of(prompts, answered["policy"].sequence_kl, params, seed, measure)
    done({"best_of": best.n})
    figures = {name: _describe(found, prompts) for name, found in answered.items()}
    _hold_against_each_other(figures, answered, bootstrap)
    opponent = "champion" if "champion" in answered else "sft"
    figures["policy"] |= {
        "slices_vs": opponent,
        "slices": by_slice(answered["policy"], answered[opponent], prompts, bootstrap),
        **most_frequent_new_phrase(_texts(answered["policy"]), _texts(answered["sft"])).figures(),
    }
    figures["best_of_n"] = _of_best(best, answered, prompts, bootstrap)
    figures.setdefault("champion", {}).update(_who_is_champion("champion" in answered))
    samples = side_by_side(prompts, answered | {"best_of_n": best.answered})
    return Comparison(figures, with_token_figures(samples, prompts, answered, measure, params))


def models() -> dict[str, Path]:
    """The folders of those that are compared, by name."""
    return MODELS | ({"champion": CHAMPION} if CHAMPION.exists() else {})


def parts() -> int:
    """Each model's answers, and the best of n."""
    return len(models()) + 1


def _who_is_champion(exists: bool) -> dict[str, Any]:
    """Its digest binds the verdict to it: a promotion over another champion is refused (tracking/rules.py)."""
    if CHAMPION_UNKNOWN.exists():
        return {"exists": None}
    return {"exists": True, "digest": digest_of(digest_tree(CHAMPION))} if exists else {"exists": False}


def _best_of(
    prompts: Sequence[Prompt], kl: float, params: EvaluateParams, seed: int, measure: Yardsticks
) -> BestOf:
    n = n_for(kl, params.best_of)
    return best_of_n(prompts[: params.best_of_prompts], n, params.temperature, seed, measure)


def _texts(found: Answered) -> list[str]:
    return [each.text for each in found.answers]


def _describe(found: Answered, prompts: Sequence[Prompt]) -> dict[str, Any]:
    texts = _texts(found)
    statistics = describe(texts, [not a.ended for a in found.answers])
    return {
        "sequence_kl": number(found.sequence_kl),
        "reward": fmean(found.reward),
        "reward_disagreement": found.disagreement,
        "judge": fmean(found.judge),
        "gold": None if found.gold is None else fmean(found.gold),
        "perplexity": number(found.perplexity),
        **asdict(statistics),
        **asdict(describe_beside_prompts(texts, [row.prompt for row in prompts])),
    }


def _hold_against_each_other(
    figures: Mapping[str, dict[str, Any]], answered: Mapping[str, Answered], bootstrap: Bootstrap
) -> None:
    """Everyone against the SFT model, and the policy against everyone."""
    for name, found in answered.items():
        if name != "sft":
            figures[name] |= against(found, answered["sft"], "sft", bootstrap)
    for name, other in answered.items():
        if name not in ("sft", "policy"):
            figures["policy"] |= against(answered["policy"], other, name, bootstrap)


def _of_best(
    best: BestOf, answered: Mapping[str, Answered], prompts: Sequence[Prompt], bootstrap: Bootstrap
) -> dict[str, Any]:
    """The best of n, and how often the policy beats it, on the prompts that it answered."""
    count = len(best.answered.answers)
    sft, policy = (_first(answered[name], count) for name in ("sft", "policy"))
    wins = against(policy, best.answered, "best_of_n", bootstrap)
    return {
        "n": best.n,
        **_describe(best.answered, prompts[:count]),
        **against(best.answered, sft, "sft", bootstrap),
        **{f"policy_{name}": value for name, value in wins.items()},
    }


def _first(found: Answered, count: int) -> Answered:
    gold = None if found.gold is None else found.gold[:count]
    return Answered(
        found.answers[:count], found.reward[:count], found.judge[:count], gold, None, math.nan, math.nan
    )
