"""Generates answers, chooses the pairs that people judge next, and says what that costs them."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.choosing.batch import Chosen, choose_batch
from components.choosing.belief import believe
from components.choosing.pool import AnswerPair, pairs_of
from components.choosing.prompts import Asked, ask_about, read_prompts
from components.choosing.tasks import task_of
from components.collecting.progress import median_seconds
from components.collecting.store import DATABASE, Store
from components.collecting.tasks import LANGUAGE, check_pair
from components.config import Params, load_params
from components.errors import DataError
from components.feedback.reasons import BatchError, RowError
from components.feedback.rules import Rules
from components.modeling.generation import generate_responses
from components.records import Preference, Prompt
from components.stages.prepared import load_preferences, load_prompts
from components.tracking.loading import LoadedVersion, load_contenders
from components.tracking.tracker import connect
from components.training.scoring import load_scorer
from flows.terminal import note


@dataclass(frozen=True)
class NextBatch:
    """Attributes:
    rows: as `rlhf collect tasks` takes them.
    models: whose answers they hold.
    answered: prompts that were answered; held_out: prompts that were left out; refused: pairs that ingestion would
        refuse.
    """

    rows: list[dict[str, Any]]
    models: list[str]
    answered: int
    held_out: int
    refused: int

    def count(self, why: str) -> int:
        return sum(row["why"]["chosen_by"] == why for row in self.rows)


@dataclass(frozen=True)
class Pools:
    """Pairs to choose from, by the role of their prompts. Attributes: refused: pairs that are not among them."""

    reward: list[AnswerPair]
    judge: list[AnswerPair]
    refused: int


def next_batch(root: Path, count: int, prompts: Path | None, seed: int) -> NextBatch:
    """Choose `count` pairs, fewer where there are no more.

    Args:
        prompts: a file of them; None: those of the prepared data.

    Raises:
        DataError: there is no prompt to ask, or no pair to choose.
        RegistryError: no model is registered, or MLflow cannot be reached.
        ModelError: a file is not the one that was registered.
        FeedbackError: the file of prompts is broken.
    """
    # Everything is on this disk: no library needs to ask a hub.
    os.environ["HF_HUB_OFFLINE"] = "1"
    params = load_params(root / "params.yaml")
    found, taught = _prepared(root, prompts)
    asked = ask_about(found, count * params.choose.prompts, params.prepare, seed)
    _refuse_nothing_to_ask(asked)
    versions = load_contenders(connect(root))
    pools = _pools(versions, asked, params, Rules.of(params.feedback, root), seed)
    chosen = _choose(versions, taught, pools, count, params.choose.random_share, seed)
    names = _names(versions)
    answered = len(asked.reward) + len(asked.judge)
    return NextBatch(_rows(chosen, names, asked, seed), names, answered, asked.held_out, pools.refused)


def budget(root: Path, pairs: int) -> dict[str, Any]:
    """What it takes to judge so many pairs: judgements, and minutes where judgements of before say how long one is."""
    votes = load_params(root / "params.yaml").collect.votes
    seconds = median_seconds(Store(root / DATABASE)) if (root / DATABASE).exists() else None
    judgements = pairs * votes
    minutes = None if seconds is None else round(judgements * seconds / 60, 1)
    return {"votes": votes, "judgements": judgements, "minutes": minutes}


def _prepared(root: Path, prompts: Path | None) -> tuple[list[Prompt], list[Preference]]:
    """What may be asked, and what the reward model has learned from."""
    with chdir(root):
        taught = load_preferences("train", "reward")
        return (load_prompts("train") if prompts is None else read_prompts(prompts)), taught


def _refuse_nothing_to_ask(asked: Asked) -> None:
    if not asked.reward and not asked.judge:
        held_out = f": all {asked.held_out} belong to validation or test" if asked.held_out else ""
        raise DataError(f"there is no prompt to ask about{held_out}", "give others with --prompts FILE")


def _pools(versions: Sequence[LoadedVersion], asked: Asked, params: Params, rules: Rules, seed: int) -> Pools:
    count = len(asked.reward) + len(asked.judge)
    note(f"{count} prompts are answered by {' and '.join(_names(versions))}")
    found = [_answered(versions, rows, params, seed) for rows in (asked.reward, asked.judge)]
    reward, judge = ([pair for pair in pool if _is_sound(pair, rules)] for pool in found)
    return Pools(reward, judge, sum(map(len, found)) - len(reward) - len(judge))


def _names(versions: Sequence[LoadedVersion]) -> list[str]:
    return [f"{version.name} {version.version}" for version in versions]


def _answered(
    versions: Sequence[LoadedVersion], prompts: Sequence[Prompt], params: Params, seed: int
) -> list[AnswerPair]:
    """All pairs of the answers to these prompts."""
    texts = [row.prompt for row in prompts]
    if not texts:
        return []
    each, temperature = params.choose.answers // len(versions), params.evaluate.temperature
    by_model = [
        generate_responses(version.folder, texts, each, temperature, seed + number)
        for number, version in enumerate(versions)
    ]
    return [pair for text, *answers in zip(texts, *by_model, strict=True) for pair in pairs_of(text, answers)]


def _is_sound(pair: AnswerPair, rules: Rules) -> bool:
    """Whether ingestion would take a judgement of the pair: nobody shall judge it for nothing."""
    row = {"prompt": pair.prompt, "response_a": pair.first, "response_b": pair.second}
    try:
        check_pair(row, rules)
    except (RowError, BatchError):
        return False
    return True


def _choose(
    versions: Sequence[LoadedVersion],
    taught: Sequence[Preference],
    pools: Pools,
    count: int,
    random_share: float,
    seed: int,
) -> list[Chosen]:
    # The newest reward model has learned from the most: it was made beside the candidate.
    scorer = load_scorer(versions[-1].reward)
    chosen = choose_batch(
        pools.reward, pools.judge, lambda pairs: believe(scorer, taught, pairs), count, random_share, seed
    )
    if not chosen:
        raise DataError("the models gave no two answers that could be judged", "ask about more prompts")
    return chosen


def _rows(chosen: Sequence[Chosen], names: Sequence[str], asked: Asked, seed: int) -> list[dict[str, Any]]:
    languages = {row.prompt: _language(row) for row in (*asked.reward, *asked.judge)}
    dice = random.Random(f"sides {seed}")  # noqa: S311 - reproducible, not secret
    models = names[0], names[-1]
    return [
        task_of(each, models, swapped=dice.random() < 0.5, language=languages[each.pair.prompt])
        for each in chosen
    ]


def _language(row: Prompt) -> str:
    """The language of a prompt where it is a tag; people may have written anything."""
    return row.language if LANGUAGE.fullmatch(row.language) else ""
