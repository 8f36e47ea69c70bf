"""People who are not: each perceives the true utility through noise, and one does not look at all.

A comparison draws one perceived margin: reliability * (u_a - u_b) + bias + logistic noise. Its sign is the
choice, so that P(a over b) = sigmoid(reliability * (u_a - u_b)) (Bradley and Terry 1952); a margin too narrow
is a tie (Rao and Kupper 1967); its size is the strength. Rankings, ratings and thumbs perceive each answer on
its own, through Gumbel noise: rankings follow Luce (1959) and agree with the comparisons.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from components.feedback.simulator.utility import gold_utility

TIE_MARGIN = 0.25
#: A perceived utility of MIDDLE gets the middle of a rating scale, and thumbs go up from there.
MIDDLE, SPREAD = 1.5, 1.2


@dataclass(frozen=True)
class Annotator:
    """One simulated person.

    Attributes:
        reliability: how sharply they see differences of utility; 0 is a spammer, who takes the first.
        share: how much of the work is theirs, relative to the others.
        length_liking: perceived margin for each word that an answer is longer.
    """

    name: str
    reliability: float
    share: float
    length_liking: float = 0.0

    @property
    def is_spammer(self) -> bool:
        return self.reliability == 0

    def margin(self, rng: random.Random, prompt: str, first: str, second: str) -> float:
        """How far `first` seems better than `second`."""
        if self.is_spammer:
            return rng.uniform(TIE_MARGIN, 4)
        truth = gold_utility(prompt, first) - gold_utility(prompt, second)
        longer = len(first.split()) - len(second.split())
        return self.reliability * truth + self.length_liking * longer + logistic(rng)

    def perceive(self, rng: random.Random, prompt: str, response: str) -> float:
        """The utility an answer seems to have on its own."""
        if self.is_spammer:
            return MIDDLE + rng.uniform(-2, 2)
        return gold_utility(prompt, response) + gumbel(rng) / self.reliability

    def rate(self, rng: random.Random, prompt: str, response: str, scale: int) -> int:
        """A rating from 1 to `scale`."""
        seen = (self.perceive(rng, prompt, response) - MIDDLE) / SPREAD
        return 1 + round((scale - 1) / (1 + math.exp(-seen)))

    def likes(self, rng: random.Random, prompt: str, response: str) -> bool:
        return self.perceive(rng, prompt, response) > MIDDLE

    def rank(self, rng: random.Random, prompt: str, responses: Sequence[str]) -> list[int]:
        """Rank of each response, 1 the best; answers that seem about as good share one."""
        if self.is_spammer:
            return list(range(1, len(responses) + 1))
        seen = [self.perceive(rng, prompt, response) for response in responses]
        return [1 + sum(other > own + TIE_MARGIN for other in seen) for own in seen]


ANNOTATORS = (
    Annotator("ann-1", reliability=1.8, share=18),
    Annotator("ann-2", reliability=1.5, share=16),
    Annotator("ann-3", reliability=1.4, share=16),
    Annotator("ann-4", reliability=1.2, share=14),
    Annotator("ann-5", reliability=1.0, share=12),
    Annotator("ann-6", reliability=0.9, share=10, length_liking=0.05),
    Annotator("ann-7", reliability=0.7, share=8),
    Annotator("ann-8", reliability=0.0, share=6),
)


def pick_annotators(rng: random.Random, count: int) -> list[Annotator]:
    """`count` different annotators, the busy ones more often."""
    left, picked = list(ANNOTATORS), []
    for _ in range(count):
        picked.append(rng.choices(left, [annotator.share for annotator in left])[0])
        left.remove(picked[-1])
    return picked


def logistic(rng: random.Random) -> float:
    """A draw from the standard logistic distribution."""
    uniform = rng.uniform(1e-12, 1 - 1e-12)
    return math.log(uniform / (1 - uniform))


def gumbel(rng: random.Random) -> float:
    """A draw from the standard Gumbel distribution, its mean moved to 0."""
    return -math.log(-math.log(rng.uniform(1e-12, 1 - 1e-12))) - 0.5772156649
