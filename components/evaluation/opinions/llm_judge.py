"""An LLM as a second judge: every pair is asked in both orders, and only what both say counts.

A judge that likes the first answer, or the second, is caught by that: its verdicts contradict each other, and the pair
is a tie (Zheng et al. 2023, arXiv 2306.05685, section 3.4).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

import httpx

from components.errors import DataError
from components.evaluation.intervals import Bootstrap
from components.evaluation.opinions.endpoint import Endpoint
from components.evaluation.opinions.figures import Opinion, opinion_figures, share
from components.evaluation.opinions.llm_prompt import PROMPT_SHA256, messages, read_verdict
from components.evaluation.opinions.pairs import Pair
from components.evaluation.opinions.verdict_cache import Given, VerdictCache
from components.files import sha256_bytes

#: Of the pairs that are asked, at most so many may lack a verdict: what is left would be a choice of the judge's.
MOST_UNPARSEABLE = 0.1


@dataclass(frozen=True)
class LlmJudge:
    """Attributes: reasoning: it thinks before it answers: more tokens, and no temperature, which such models refuse."""

    endpoint: Endpoint
    model: str
    reasoning: bool = False

    def request(self, pair: Pair, swapped: bool, nonce: str) -> dict[str, Any]:
        """The body of a request; `swapped` shows the opponent's answer first."""
        shown = (pair.opponent, pair.candidate) if swapped else (pair.candidate, pair.opponent)
        bounds = {"max_completion_tokens": 8192} if self.reasoning else {"max_tokens": 512, "temperature": 0}
        return {"model": self.model, "messages": messages(pair.prompt, *shown, nonce), **bounds}

    def key(self, pair: Pair, swapped: bool) -> str:
        """What a verdict is kept under: all that it hangs on but the nonce."""
        parts = [str(self.endpoint.url), self.model, self.reasoning, PROMPT_SHA256, pair.digest, swapped]
        return sha256_bytes(json.dumps(parts).encode("ascii"))

    def give(self, client: httpx.Client, pair: Pair, swapped: bool) -> Given:
        """Ask once."""
        nonce = secrets.token_hex(8)
        reply = self.endpoint.ask(client, self.request(pair, swapped, nonce))
        return Given(read_verdict(reply.text, nonce), reply.model)


def ask_all(
    judge: LlmJudge,
    pairs: Sequence[Pair],
    cache: VerdictCache,
    concurrency: int,
    told: Callable[[int, int], None],
) -> int:
    """Ask what the cache does not hold, some at once; how many questions that were.

    Args:
        told: called with the questions answered, of how many.

    Raises:
        EndpointError: the endpoint failed; what was answered is in the cache.
        DataError: too many replies without a verdict; said as soon as that is certain.
    """
    asked = [(pair, swapped) for pair in pairs if not pair.is_equal for swapped in (False, True)]
    open_questions = [each for each in asked if cache.get(judge.key(*each)) is None]
    _check_unparseable(judge, pairs, cache)
    with judge.endpoint.client() as client, ThreadPoolExecutor(concurrency) as threads:

        def answer(pair: Pair, swapped: bool) -> Given:
            given = judge.give(client, pair, swapped)
            cache.put(judge.key(pair, swapped), given)
            return given

        futures = [threads.submit(answer, *each) for each in open_questions]
        try:
            for done, future in enumerate(as_completed(futures), start=1):
                given = future.result()
                told(len(asked) - len(open_questions) + done, len(asked))
                if given.verdict is None:
                    _check_unparseable(judge, pairs, cache)
        finally:
            # What waits is dropped and who pauses gives up; replies under way are paid for, and kept.
            judge.endpoint.stop.set()
            threads.shutdown(cancel_futures=True)
    return len(open_questions)


def _check_unparseable(judge: LlmJudge, pairs: Sequence[Pair], cache: VerdictCache) -> None:
    asked = [pair for pair in pairs if not pair.is_equal]
    lost = sum(any(given and given.verdict is None for given in _given(judge, pair, cache)) for pair in asked)
    if lost > MOST_UNPARSEABLE * len(asked):
        raise DataError(
            f"{judge.model} gave no verdict on {lost} of {len(asked)} pairs in the form that was asked for; "
            f"more than {MOST_UNPARSEABLE:.0%} of them make no figure",
            "take a model that follows instructions, or --reasoning for one that thinks first",
        )


def _given(judge: LlmJudge, pair: Pair, cache: VerdictCache) -> list[Given | None]:
    return [cache.get(judge.key(pair, swapped)) for swapped in (False, True)]


@dataclass(frozen=True)
class Asked:
    """A pair and both verdicts on it, as given: "a" is what was shown first. None: the reply held none."""

    pair: Pair
    plain: str | None
    swapped: str | None

    @property
    def is_judged(self) -> bool:
        return self.plain is not None and self.swapped is not None

    @property
    def is_consistent(self) -> bool:
        """Whether both orders say the same of the two answers."""
        return {"a": "b", "b": "a", "tie": "tie"}.get(self.plain or "") == self.swapped

    def opinion(self) -> Opinion:
        """1 or 0 where both orders agree on it, else a tie."""
        outcome = {"a": 1.0, "b": 0.0}.get(self.plain or "", 0.5) if self.is_consistent else 0.5
        verdicts = (self.plain, self.swapped)
        return Opinion(self.pair, outcome, verdicts.count("a"), 2 - verdicts.count("tie"))


def llm_figures(
    judge: LlmJudge, pairs: Sequence[Pair], cache: VerdictCache, bootstrap: Bootstrap
) -> dict[str, Any]:
    """Figures of all pairs, from the cache: those of `opinion_figures`, `inconsistent` (share of the pairs asked whose
    verdicts contradict each other, with its interval), and what was left out.

    A pair with a reply that held no verdict is excluded and counted; equal answers are ties that were not asked about.
    """
    asked = list(asked_in(judge, pairs, cache))
    judged = [each for each in asked if each.is_judged]
    equal = [Opinion(pair, 0.5) for pair in pairs if pair.is_equal]
    replies = [verdict for each in asked for verdict in (each.plain, each.swapped)]
    return {
        **opinion_figures([*equal, *(each.opinion() for each in judged)], bootstrap),
        **share([not each.is_consistent for each in judged], "inconsistent", bootstrap),
        "equal_answers": len(equal),
        "unparseable_replies": replies.count(None),
        "excluded_pairs": len(asked) - len(judged),
        "answered_by": _models(judge, pairs, cache),
    }


def asked_in(judge: LlmJudge, pairs: Sequence[Pair], cache: VerdictCache) -> Iterator[Asked]:
    """The pairs whose answers differ, with the verdicts that the cache holds."""
    for pair in pairs:
        if not pair.is_equal:
            plain, swapped = _given(judge, pair, cache)
            yield Asked(pair, plain.verdict if plain else None, swapped.verdict if swapped else None)


def _models(judge: LlmJudge, pairs: Sequence[Pair], cache: VerdictCache) -> list[str]:
    """Which models the server says it asked: a name such as "latest" stands for one today and another tomorrow."""
    found = (given for pair in pairs if not pair.is_equal for given in _given(judge, pair, cache))
    return sorted({given.model for given in found if given and given.model})
