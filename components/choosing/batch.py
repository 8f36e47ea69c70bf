"""A batch of pairs to judge: what teaches the reward model most, and pairs at random, beside each other.

The judge chooses nothing, and nothing is chosen for it. It examines what the reward model has taught the policy, so it
must not pick what the reward model learns: chosen where the two differ, pairs would teach the reward model to agree
with its examiner just where it is asked. On the judge's own prompts pairs are drawn at random, so what it learns is a
fair sample of what the models say. A prompt's role hangs on a hash of its text, not on what it asks: the pairs at
random of both roles together stand for all prompts, and those on the judge's taught the reward model nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from components.choosing.belief import Belief
from components.choosing.choice import Why, choose, draw
from components.choosing.pool import AnswerPair

#: The belief in the margins of pairs.
Believe = Callable[[Sequence[AnswerPair]], Belief]


@dataclass(frozen=True)
class Chosen:
    """A pair to be judged.

    Attributes:
        role: of its prompt: whom the judgement teaches.
        information: bits that it is expected to tell the reward model; None on the judge's prompts.
        margin: log-odds that the reward model gives the first answer; None likewise.
    """

    pair: AnswerPair
    why: Why
    role: str
    information: float | None = None
    margin: float | None = None


def choose_batch(
    reward: Sequence[AnswerPair],
    judge: Sequence[AnswerPair],
    believe: Believe,
    count: int,
    random_share: float,
    seed: int,
) -> list[Chosen]:
    """At most `count` pairs in random order: who stops in the middle has judged a fair part of both kinds.

    Args:
        reward, judge: the pairs to choose from, by the role of their prompts; each role gets pairs by its prompts.
        random_share: of the pairs of the reward model's prompts.
    """
    prompts, others = ({pair.prompt for pair in pairs} for pairs in (reward, judge))
    for_judge = round(count * len(others) / max(1, len(prompts) + len(others)))
    names = [pair.prompt for pair in judge]
    chosen = [Chosen(judge[place], "random", "judge") for place in draw(names, for_judge, seed)]
    if reward:
        chosen += _for_reward_model(reward, believe(reward), count - len(chosen), random_share, seed)
    random.Random(seed).shuffle(chosen)  # noqa: S311 - reproducible, not secret
    return chosen


def _for_reward_model(
    pairs: Sequence[AnswerPair], belief: Belief, count: int, random_share: float, seed: int
) -> list[Chosen]:
    names, margins = [pair.prompt for pair in pairs], belief.mean.tolist()
    return [
        Chosen(pairs[pick.place], pick.why, "reward", pick.information, margins[pick.place])
        for pick in choose(belief, names, count, random_share, seed)
    ]
