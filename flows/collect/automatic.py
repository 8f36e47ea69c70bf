"""Judgements by rules or an LLM, as a file for `rlhf ingest`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from components.collecting.automatic.llm import judge_by_llm
from components.collecting.automatic.rows import Judged
from components.collecting.automatic.rules import judge_by_rule
from components.collecting.tasks import Added, Task, read_tasks
from components.evaluation.opinions.llm_judge import LlmJudge
from components.evaluation.opinions.verdict_cache import opened_cache
from components.feedback.rules import Rules
from components.files import write_bytes
from flows.exports import check_free, json_lines
from flows.judging import VERDICTS, tell


def judge_automatically(
    root: Path,
    tasks: Sequence[Task],
    file: Path,
    names: Sequence[str],
    judge: LlmJudge | None,
    concurrency: int,
) -> list[Judged]:
    """Ask the rules, or the LLM where there is one, and write what they say; what each said.

    Raises:
        FeedbackError: the file is there already.
        EndpointError, DataError: of the LLM; nothing is written, and what it answered is kept for the next time.
    """
    check_free([file])
    if judge is None:
        done = [judge_by_rule(name, tasks) for name in names]
    else:
        with opened_cache(root / VERDICTS) as cache:
            done = [judge_by_llm(judge, tasks, cache, concurrency, tell)]
    if rows := [row for judged in done for row in judged.rows]:
        write_bytes(file, json_lines(rows))
    return done


def sound_pairs(files: Sequence[Path], rules: Rules) -> tuple[list[Task], list[Added]]:
    """The pairs of the files, each once, and what was wrong with the others.

    Raises:
        FeedbackError: a file cannot be read.
    """
    found: dict[str | None, Task] = {}
    done = [Added(str(path)) for path in files]
    for path, result in zip(files, done, strict=True):
        for _, task in read_tasks(path, rules, result):
            result.added += 1
            found.setdefault(task["digest"], task)
    return list(found.values()), done
