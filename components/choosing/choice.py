"""Which pairs of a pool are judged: some at random, the others such that their labels are expected to tell most."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from components.choosing.belief import Belief
from components.objectives.information import after_label, expected_information, label_noise

Why = Literal["random", "information"]


@dataclass(frozen=True)
class Pick:
    """A pair that was chosen.

    Attributes:
        place: in the pool.
        information: bits that its label is expected to tell, given the labels of those picked before it.
    """

    place: int
    why: Why
    information: float


def choose(belief: Belief, prompts: Sequence[str], count: int, random_share: float, seed: int) -> list[Pick]:
    """Pick pairs of a pool; fewer than `count` where it has no more.

    First those at random, from the whole pool, so that they stand for all of it: each prompt is as likely as any
    other, and each of its pairs. Then one after the other the pair whose label tells most, given the labels to come of
    those before it (the aim of BatchBALD, Kirsch 2019): a pair like one that was picked tells little more. A prompt
    gets a second pair when all have one.

    Args:
        prompts: [N], which pairs belong together.
    """
    drawn = draw(prompts, round(count * random_share), seed)
    factors, picks = belief.factors, []
    for place in drawn:
        picks.append(_pick(belief.mean, factors, [place], "random"))
        factors = _learned(belief.mean, factors, place)
    return picks + _most_informative(belief.mean, factors, prompts, drawn, count - len(drawn))


def draw(prompts: Sequence[str], count: int, seed: int) -> list[int]:
    """Places of `count` pairs at random: prompts in random order, a random pair of each; further rounds after that."""
    dice = random.Random(seed)  # noqa: S311 - reproducible, not secret
    left: dict[str, list[int]] = {}
    for place, prompt in enumerate(prompts):
        left.setdefault(prompt, []).append(place)
    drawn: list[int] = []
    while left and len(drawn) < count:
        for prompt in dice.sample(sorted(left), len(left)):
            drawn.append(left[prompt].pop(dice.randrange(len(left[prompt]))))
            if not left[prompt]:
                del left[prompt]
    return drawn[:count]


def _most_informative(
    mean: Tensor, factors: Tensor, prompts: Sequence[str], taken: Sequence[int], count: int
) -> list[Pick]:
    used = Counter(prompts[place] for place in taken)
    free = set(range(len(prompts))) - set(taken)
    picks: list[Pick] = []
    while free and len(picks) < count:
        least = min(used[prompts[place]] for place in free)
        allowed = sorted(place for place in free if used[prompts[place]] == least)
        picks.append(_pick(mean, factors, allowed, "information"))
        place = picks[-1].place
        factors = _learned(mean, factors, place)
        used[prompts[place]] += 1
        free.remove(place)
    return picks


def _pick(mean: Tensor, factors: Tensor, allowed: list[int], why: Why) -> Pick:
    """The most informative of these places."""
    information = expected_information(mean[allowed], factors[:, allowed].square().sum(dim=0))
    best = int(torch.argmax(information))
    return Pick(allowed[best], why, float(information[best]))


def _learned(mean: Tensor, factors: Tensor, place: int) -> Tensor:
    return after_label(factors, place, float(label_noise(mean[place])))
