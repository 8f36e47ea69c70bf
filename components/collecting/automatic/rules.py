"""Rules that tell the better of two answers by their texts alone, and say nothing where these differ little.

Each rule is an annotator of its own: how far it agrees with people is measured for each, and one that does not teaches
nothing. The limits are set so that a rule speaks where a difference is plain; whether it speaks rightly people tell.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from components.collecting.automatic.rows import Judged, name_of, row_of
from components.collecting.automatic.toxicity import toxicity
from components.collecting.tasks import Task
from components.evaluation.prompt_statistics import COPIED_WORDS, copied_of, relevances
from components.evaluation.text_statistics import repeated_share
from components.evaluation.words import plain_words, words

#: As long a run of words as `repetition` of the report looks at.
_REPEATED_WORDS = 4
#: How good each of the answers is, first all of response_a, then all of response_b; None: it cannot be told.
Scores = Sequence[float | None]
Score = Callable[[Sequence[str], Sequence[str]], Scores]


def length(answers: Sequence[str], prompts: Sequence[str]) -> Scores:
    """Doublings of the words: with a limit of 1, an answer of twice the words is better."""
    return [math.log2(1 + len(words(answer))) for answer in answers]


def repetition(answers: Sequence[str], prompts: Sequence[str]) -> Scores:
    """What repeats itself is worse."""
    return [-_repeated(words(answer)) for answer in answers]


def relevance(answers: Sequence[str], prompts: Sequence[str]) -> Scores:
    """What is about its own prompt more than about the file's others is better."""
    found = relevances(answers, prompts)
    return [None] * len(answers) if found is None else found.tolist()


def copied(answers: Sequence[str], prompts: Sequence[str]) -> Scores:
    """What repeats its prompt is worse."""
    return [-_copied(answer, prompt) for answer, prompt in zip(answers, prompts, strict=True)]


def polite(answers: Sequence[str], prompts: Sequence[str]) -> Scores:
    """What insults is worse: one less."""
    return [None if toxic is None else 0.0 - toxic for toxic in toxicity(answers)]


#: Rule -> its score, and by how much the better answer's is larger.
RULES: dict[str, tuple[Score, float]] = {
    "length": (length, 1.0),
    "repetition": (repetition, 0.2),
    "relevance": (relevance, 0.1),
    "copied": (copied, 0.2),
    "toxicity": (polite, 1.0),
}


def judge_by_rule(name: str, tasks: Sequence[Task]) -> Judged:
    """What the rule says of the pairs. Relevance is told beside the other prompts: it needs two or more."""
    score, least = RULES[name]
    prompts = [str(task["prompt"]) for task in tasks]
    answers = [str(task[side]) for side in ("response_a", "response_b") for task in tasks]
    scores = score(answers, prompts * 2) if tasks else []
    judged = Judged(name_of("rules", name))
    for task, first, second in zip(tasks, scores[: len(tasks)], scores[len(tasks) :], strict=True):
        _add(judged, task, first, second, least)
    return judged


def _add(judged: Judged, task: Task, first: float | None, second: float | None, least: float) -> None:
    if first is None or second is None or abs(first - second) < least:
        judged.silent += 1
        return
    why = {"scores": {"a": round(first, 4), "b": round(second, 4)}}
    judged.rows.append(row_of(task, judged.annotator, "a" if first > second else "b", why))


def _repeated(text: list[str]) -> float:
    return repeated_share(text, _REPEATED_WORDS) if len(text) >= _REPEATED_WORDS else 0.0


def _copied(answer: str, prompt: str) -> float:
    return copied_of(answer, prompt) if len(plain_words(answer)) >= COPIED_WORDS else 0.0
