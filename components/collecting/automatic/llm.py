"""An LLM behind an OpenAI-compatible endpoint judges pairs: each in both orders, and only what both say counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from components.collecting.automatic.rows import Judged, name_of, row_of
from components.collecting.tasks import Task
from components.evaluation.opinions.llm_judge import Asked, LlmJudge, ask_all, asked_in
from components.evaluation.opinions.llm_prompt import PROMPT_SHA256
from components.evaluation.opinions.pairs import Pair
from components.evaluation.opinions.verdict_cache import VerdictCache

#: Of the digest of what it was asked with, in each row.
_DIGITS = 16


def judge_by_llm(
    judge: LlmJudge,
    tasks: Sequence[Task],
    cache: VerdictCache,
    concurrency: int,
    told: Callable[[int, int], None],
) -> Judged:
    """What the LLM says of the pairs. Verdicts that the cache holds are not asked for again.

    Raises:
        EndpointError, DataError: as `ask_all`; what was answered is in the cache.
        ConfigError: the model's name makes no annotator's.
    """
    judged = Judged(name_of("llm", judge.model))
    pairs = [
        Pair(str(task["prompt"]), str(task["response_a"]), str(task["response_b"]), 0.0) for task in tasks
    ]
    ask_all(judge, pairs, cache, concurrency, told)
    for task, asked in zip(tasks, asked_in(judge, pairs, cache), strict=True):
        _add(judged, task, asked)
    return judged


def _add(judged: Judged, task: Task, asked: Asked) -> None:
    if not asked.is_judged:
        judged.silent += 1
    elif not asked.is_consistent:
        judged.contradictions += 1
    elif asked.plain == "tie":
        judged.ties += 1
    else:
        why = {"asked_with": PROMPT_SHA256[:_DIGITS]}
        judged.rows.append(row_of(task, judged.annotator, str(asked.plain), why))
