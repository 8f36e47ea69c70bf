"""What the commands of `rlhf judge` do: second opinions of the candidate's answers, written to reports/."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.config import load_params
from components.errors import DataError
from components.evaluation.intervals import Bootstrap
from components.evaluation.opinions.evidence import LLM, PEOPLE
from components.evaluation.opinions.figures import NOTE
from components.evaluation.opinions.label_file import batch_of, labels_of, read_rows
from components.evaluation.opinions.llm_judge import LlmJudge, ask_all, llm_figures
from components.evaluation.opinions.llm_prompt import PROMPT_SHA256
from components.evaluation.opinions.pairs import digest_of_pairs, read_pairs
from components.evaluation.opinions.people import as_text, make_batch, people_figures
from components.evaluation.opinions.verdict_cache import opened_cache
from components.files import read_json, write_json, write_text
from components.progress import Progress
from components.workspace import STATE
from flows.display import display

VERDICTS = STATE / "llm_judge" / "verdicts.jsonl"
KEYS = STATE / "people_judge"
_LINES = 20  # of progress in a file


def judge_by_llm(
    root: Path, judge: LlmJudge, against: str, prompts: int | None, concurrency: int
) -> dict[str, Any]:
    """Ask, and write reports/llm_judge.json; its content. Errors: components.evaluation.opinions.llm_judge."""
    everything = read_pairs(root, against)
    pairs = everything[:prompts]
    bootstrap = _bootstrap(root)
    with opened_cache(root / VERDICTS) as cache:
        asked = ask_all(judge, pairs, cache, concurrency, tell)
        figures = llm_figures(judge, pairs, cache, bootstrap)
    about = {
        "judge": f"an LLM ({judge.model})",
        "model": judge.model,
        "endpoint": judge.endpoint.host,
        "reasoning": judge.reasoning,
        "prompt_sha256": PROMPT_SHA256,
    }
    _write(root / LLM, {**about, **_of(against, digest_of_pairs(everything)), **figures})
    return {**read_json(root / LLM), "asked_now": asked}


def export_pairs(root: Path, path: Path, against: str, prompts: int, seed: int) -> int:
    """Write pairs for people to `path`, the key to .rlhf; how many.

    Raises:
        DataError: the file is there: people may have filled it in.
    """
    if path.exists():
        raise DataError(
            f"{path} is there already, perhaps with labels in it", "name another file, or move it away"
        )
    batch = make_batch(read_pairs(root, against), against, prompts, seed)
    write_json(root / KEYS / f"{batch.name}.json", batch.key)
    write_text(path, as_text(batch.rows, path))
    return len(batch.rows)


def judge_by_people(root: Path, path: Path) -> dict[str, Any]:
    """Read labels, and write reports/people_judge.json; its content.

    Raises:
        DataError: a row is wrong, the batch was exported elsewhere, or the labels are of other answers.
    """
    rows = read_rows(path)
    batch = batch_of(path, rows)
    place = root / KEYS / f"{batch}.json"
    if not place.exists():
        raise DataError(f"{path.name}: nobody exported batch {batch} here", "read it where it was exported")
    key = read_json(place)
    labels = labels_of(path, rows, key["pairs"])
    figures = people_figures(labels, key, read_pairs(root, key["against"]), _bootstrap(root))
    about = {"judge": "people", "batch": batch, **_of(key["against"], key["answers_sha256"])}
    _write(root / PEOPLE, {**about, **figures})
    content: dict[str, Any] = read_json(root / PEOPLE)
    return content


def _of(against: str, digest: str) -> dict[str, str]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"against": against, "answers_sha256": digest, "date": now}


def _write(path: Path, figures: Mapping[str, Any]) -> None:
    write_json(path, {**figures, "note": NOTE})


def _bootstrap(root: Path) -> Bootstrap:
    params = load_params(root / "params.yaml")
    return Bootstrap(params.evaluate.bootstrap_samples, params.evaluate.confidence, params.seed)


def tell(done: int, total: int) -> None:
    """Show how many questions are answered, now and then."""
    if done == total or done % max(1, total // _LINES) == 0:
        display().progress(Progress("judge", done, total, {}))
