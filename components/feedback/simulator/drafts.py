"""What the simulated people say, of each kind of feedback, before it has an id and a date."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from components.feedback.simulator.annotators import Annotator, pick_annotators
from components.feedback.simulator.grammar import (
    Request,
    mend,
    write_answer,
    write_flawed_answer,
)
from components.feedback.simulator.judging import compare

#: Who says it, and the columns of what they say.
Draft = tuple[Annotator, dict[str, Any]]
#: A request, two answers to it, and who compares them.
Judgement = tuple[Request, str, str, Annotator]
#: How one person says one thing about a request.
Speaker = Callable[[random.Random, Request, Annotator], dict[str, Any]]

RATING_SCALE = 5
FLAWED_SHARE = 0.03
SHARE_JUDGED_AGAIN = 0.5
#: Demonstrations are of mixed quality, so that there is something to learn from preferences.
CARE_OF_DEMONSTRATORS = (0.1, 0.9)


def draft_each(
    rng: random.Random, requests: Sequence[Request], count: int, speak: Speaker
) -> Iterator[Draft]:
    """`count` drafts, each by one person about one request."""
    for _ in range(count):
        request, annotator = rng.choice(requests), pick_annotators(rng, 1)[0]
        yield annotator, speak(rng, request, annotator)


def draft_in_twos(
    rng: random.Random, requests: Sequence[Request], count: int, speak: Speaker
) -> Iterator[Draft]:
    """`count` drafts; each person speaks twice about a request, so that two answers can be held together."""
    for number in range(count):
        if number % 2 == 0:
            request, annotator = rng.choice(requests), pick_annotators(rng, 1)[0]
        yield annotator, speak(rng, request, annotator)


def demonstrate(rng: random.Random, request: Request, annotator: Annotator) -> dict[str, Any]:
    response = write_answer(rng, request, quality=rng.uniform(*CARE_OF_DEMONSTRATORS))
    return {"prompt": request.text, "response": response}


def rate(rng: random.Random, request: Request, annotator: Annotator) -> dict[str, Any]:
    response = compared_answers(rng, request, 1)[0]
    rating = annotator.rate(rng, request.text, response, RATING_SCALE)
    return {"prompt": request.text, "response": response, "rating": rating, "scale": RATING_SCALE}


def thumb(rng: random.Random, request: Request, annotator: Annotator) -> dict[str, Any]:
    response = compared_answers(rng, request, 1)[0]
    return {
        "prompt": request.text,
        "response": response,
        "thumbs_up": annotator.likes(rng, request.text, response),
    }


def rank(rng: random.Random, request: Request, annotator: Annotator) -> dict[str, Any]:
    responses = compared_answers(rng, request, rng.choice((3, 4)))
    ranks = annotator.rank(rng, request.text, responses)
    return {"prompt": request.text, "responses": responses, "ranks": ranks}


def edit(rng: random.Random, request: Request, annotator: Annotator) -> dict[str, Any]:
    response = write_answer(rng, request, 0.0)
    return {"prompt": request.text, "response": response, "edited_response": mend(rng, request, response)}


def assign_judgements(rng: random.Random, requests: Sequence[Request], count: int) -> list[Judgement]:
    """`count` comparisons to be made; some pairs go to two or three people."""
    judgements: list[Judgement] = []
    while len(judgements) < count:
        request = rng.choice(requests)
        first, second = compared_answers(rng, request, 2)
        times = rng.choice((2, 3)) if rng.random() < SHARE_JUDGED_AGAIN else 1
        judgements += [(request, first, second, annotator) for annotator in pick_annotators(rng, times)]
    judgements = judgements[:count]
    rng.shuffle(judgements)
    return judgements


def choose(rng: random.Random, judgements: Sequence[Judgement]) -> Iterator[Draft]:
    """Comparisons as a better and a worse answer; there is no way to say tie."""
    for request, first, second, annotator in judgements:
        better = annotator.margin(rng, request.text, first, second) > 0
        chosen, rejected = (first, second) if better else (second, first)
        yield annotator, {"prompt": request.text, "chosen": chosen, "rejected": rejected}


def prefer(rng: random.Random, judgements: Sequence[Judgement]) -> Iterator[Draft]:
    """Comparisons as two answers, which one is preferred and how strongly; or a tie."""
    for request, a, b, annotator in judgements:
        answers = {"prompt": request.text, "response_a": a, "response_b": b}
        yield annotator, answers | compare(rng, annotator, request.text, a, b)


def compared_answers(rng: random.Random, request: Request, count: int) -> list[str]:
    """`count` different answers, as different in quality as those of a model in the making."""
    answers: dict[str, None] = {}
    while len(answers) < count:
        write = write_flawed_answer if rng.random() < FLAWED_SHARE else write_answer
        answers[write(rng, request, rng.random())] = None
    return list(answers)
