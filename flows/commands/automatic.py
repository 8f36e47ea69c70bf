"""`rlhf collect auto`: judgements by rules or by an LLM, marked as such, beside those of people."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.collect.telling import print_line, print_read
from flows.terminal import next_step, note
from flows.workspace import open_project

if TYPE_CHECKING:
    from components.collecting.automatic.rows import Judged
    from components.evaluation.opinions.llm_judge import LlmJudge

REJECTED = 3
_KEY = "RLHF_JUDGE_API_KEY"


class Rule(StrEnum):
    length = "length"
    repetition = "repetition"
    relevance = "relevance"
    copied = "copied"
    toxicity = "toxicity"


def command(
    context: typer.Context,
    pairs: Annotated[
        list[Path], typer.Argument(metavar="PAIRS", exists=True, dir_okay=False, help="JSON lines.")
    ],
    file: Annotated[Path, typer.Option("--to", metavar="FILE", dir_okay=False, help="To write: .jsonl.")],
    rule: Annotated[
        list[Rule] | None, typer.Option(help="Only this rule; may be given again. All, without it.")
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Ask an LLM instead: OpenAI-compatible, as for `rlhf judge`."),
    ] = None,
    model: Annotated[str | None, typer.Option(metavar="NAME", help="As the endpoint calls it.")] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=32, help="Questions at a time.")] = 4,
    timeout: Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="For one reply.")] = 60.0,
    reasoning: Annotated[
        bool, typer.Option("--reasoning", help="For models that think first: more tokens, no temperature.")
    ] = False,
    plain_http: Annotated[
        bool, typer.Option("--plain-http", help="Allow http to another machine: key and texts unencrypted.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
) -> None:
    """Judge pairs without people: by rules about the texts, or by an LLM that is asked in both orders.

    PAIRS are as `rlhf collect tasks` takes them. FILE has a row for each pair on which a rule, or the LLM, has an
    opinion: `automatic` is true and the annotator is such as auto:rules/length or auto:llm/NAME. Ingested, it teaches
    the reward model as far as each agrees with people on pairs that both judged, and tests nothing. The LLM's key is
    taken from RLHF_JUDGE_API_KEY; prompts and answers are sent to it.

    \b
    rlhf collect auto pairs.jsonl --to automatic.jsonl
    rlhf collect auto pairs.jsonl --to llm.jsonl --endpoint http://127.0.0.1:8000/v1 --model Qwen/Qwen3-8B
    """
    root = open_project(context)
    if file.suffix != ".jsonl":
        raise typer.BadParameter("does not end in .jsonl", param_hint="--to")
    if (endpoint is None) != (model is None) or (endpoint is not None and rule):
        raise typer.BadParameter("give --endpoint and --model, or rules, or neither", param_hint="--endpoint")
    from components.config import load_params
    from components.feedback.rules import Rules
    from flows.collect.automatic import judge_automatically, sound_pairs
    from flows.display import on_terminal

    judge = None if endpoint is None else _judge(endpoint, str(model), timeout, reasoning, plain_http)
    tasks, read = sound_pairs(pairs, Rules.of(load_params(root / "params.yaml").feedback, root))
    with on_terminal():
        names = [str(each) for each in rule or Rule]
        done = judge_automatically(root, tasks, file, names, judge, concurrency)
    for result in read:
        if result.refused:
            print_read(result, as_json)
    for judged in done:
        print_line(_figures(judged, len(tasks)), _words(judged, len(tasks)), as_json)
    _finish(file, done, any(result.refused for result in read), as_json)


def _judge(endpoint: str, model: str, timeout: float, reasoning: bool, plain_http: bool) -> LlmJudge:
    from components.evaluation.opinions.endpoint import Endpoint, check_key, endpoint_url
    from components.evaluation.opinions.llm_judge import LlmJudge

    url = endpoint_url(endpoint, plain_http=plain_http)
    return LlmJudge(Endpoint(url, check_key(os.environ.get(_KEY, "")), timeout), model, reasoning)


def _figures(judged: Judged, pairs: int) -> dict[str, Any]:
    others = {name: getattr(judged, name) for name in ("ties", "contradictions", "silent")}
    return {"annotator": judged.annotator, "pairs": pairs, "judged": len(judged.rows), **others}


def _words(judged: Judged, pairs: int) -> str:
    others = {
        "equal": judged.ties,
        "contradict each other in the two orders": judged.contradictions,
        "no opinion": judged.silent,
    }
    told = "".join(f", {count} {words}" for words, count in others.items() if count)
    return f"{judged.annotator}: {len(judged.rows)} of {pairs} pairs judged{told}"


def _finish(file: Path, done: list[Judged], refused: bool, as_json: bool) -> None:
    if any(judged.rows for judged in done):
        next_step(
            f"`rlhf ingest {file}`; `rlhf retrain` tells how far it agrees with people", as_json=as_json
        )
    else:
        note("nobody has an opinion of any of these pairs: nothing was written", "yellow")
        next_step("`rlhf collect tasks` lets people judge them", as_json=as_json)
    if refused:
        raise typer.Exit(REJECTED)
