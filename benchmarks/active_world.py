"""What `benchmarks/active_choice.py` learns from: simulated pairs and their labels; and its small reward model."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.ours.log import Steps
from components.choosing.pool import AnswerPair, pairs_of
from components.config import RewardParams, SupervisedParams
from components.feedback.simulator import gold_utility, judge_pairs
from components.feedback.simulator.annotators import ANNOTATORS
from components.feedback.simulator.drafts import compared_answers, demonstrate
from components.feedback.simulator.grammar import write_requests
from components.modeling.device import seed_everything
from components.modeling.loading import build_tiny, new_reward_model, save_model
from components.modeling.text_format import TextFormat
from components.modeling.tokenizer import train_tokenizer
from components.records import Preference
from components.training.encoding import encode_pairs
from components.training.reward_model import encode_preferences, train_reward_model
from components.training.run import Run
from components.training.scoring import Member, RewardScale, Scorer
from components.training.sft import train_sft

LAYERS, WIDTH, HEADS, VOCABULARY = 2, 64, 2, 512
PROMPT_TOKENS, RESPONSE_TOKENS = 40, 80
#: As `choose.answers` has it.
ANSWERS = 4
SFT = SupervisedParams(epochs=4, batch_size=32, learning_rate=2e-3, warmup_share=0.05, weight_decay=0.01)
REWARD = RewardParams(
    epochs=4, batch_size=16, learning_rate=1e-3, warmup_share=0.1, weight_decay=0.01, centering=0.01
)


@dataclass(frozen=True)
class World:
    """One seed's pairs.

    Attributes:
        pool: unlabelled; labels: what one person says of each, as a preference.
        held_out: pairs on other prompts; leads: by how much the first of each is truly better, none of them 0.
    """

    pool: list[AnswerPair]
    labels: list[Preference]
    held_out: list[AnswerPair]
    leads: torch.Tensor


def make_world(seed: int, prompts: int, held_out: int) -> World:
    rng = random.Random(f"active choice {seed}")
    requests = write_requests(rng, prompts + held_out)
    found = [list(pairs_of(each.text, [compared_answers(rng, each, ANSWERS)])) for each in requests]
    pool = [pair for pairs in found[:prompts] for pair in pairs]
    checked = [rng.choice(pairs) for pairs in found[prompts:]]
    leads = torch.tensor([_lead(pair) for pair in checked])
    decided = [pair for pair, lead in zip(checked, leads.tolist(), strict=True) if lead]
    return World(pool, _labels(pool, seed), decided, leads[leads != 0])


def _lead(pair: AnswerPair) -> float:
    return gold_utility(pair.prompt, pair.first) - gold_utility(pair.prompt, pair.second)


def _labels(pool: Sequence[AnswerPair], seed: int) -> list[Preference]:
    rows = judge_pairs([(pair.prompt, pair.first, pair.second) for pair in pool], seed)
    return [_preference(pair, str(row["preferred"])) for pair, row in zip(pool, rows, strict=True)]


def _preference(pair: AnswerPair, preferred: str) -> Preference:
    better, worse = (pair.second, pair.first) if preferred == "b" else (pair.first, pair.second)
    return Preference(pair.prompt, better, worse, 0.5 if preferred == "tie" else 1.0)


def write_trunk(folder: Path, demonstrations: int, seed: int = 1) -> None:
    """The SFT model that every reward model here starts from."""
    rng = random.Random(f"trunk {seed}")
    requests = write_requests(rng, demonstrations)
    rows = [demonstrate(rng, request, ANNOTATORS[0]) for request in requests]
    prompts, responses = [row["prompt"] for row in rows], [row["response"] for row in rows]
    tokenizer = train_tokenizer([*prompts, *responses], VOCABULARY)
    text_format = TextFormat("{prompt}\n", PROMPT_TOKENS, RESPONSE_TOKENS)
    seed_everything(seed)
    model = build_tiny(tokenizer, LAYERS, WIDTH, HEADS, PROMPT_TOKENS + RESPONSE_TOKENS)
    train_sft(model, encode_pairs(tokenizer, text_format, prompts, responses), SFT, Run(seed, Steps()))
    folder.mkdir(parents=True, exist_ok=True)
    save_model(folder, model, tokenizer, text_format)


def learn(trunk: Path, labelled: Sequence[Preference], seed: int, members: int = 1) -> Scorer:
    """A reward model, or an ensemble, that has learned from these labels alone."""
    return Scorer([_learn(trunk, labelled, seed + 1000 * member) for member in range(members)])


def _learn(trunk: Path, labelled: Sequence[Preference], seed: int) -> Member:
    seed_everything(seed)
    model, tokenizer, text_format = new_reward_model(trunk)
    pairs = encode_preferences(tokenizer, text_format, labelled)
    train_reward_model(model, pairs, REWARD, Run(seed, Steps()))
    return Member(model, tokenizer, text_format, RewardScale(0.0, 1.0))


def accuracy(scorer: Scorer, world: World) -> float:
    """Share of the held-out pairs whose truly better answer gets the higher score."""
    prompts = [pair.prompt for pair in world.held_out]
    first = torch.tensor(scorer(prompts, [pair.first for pair in world.held_out]))
    second = torch.tensor(scorer(prompts, [pair.second for pair in world.held_out]))
    return float(((first > second) == (world.leads > 0)).double().mean())
