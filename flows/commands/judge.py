"""`rlhf judge ...`: second opinions of the candidate's answers, by an LLM and by people."""

from __future__ import annotations

import json
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.terminal import next_step, note, say
from flows.workspace import open_project

_KEY = "RLHF_JUDGE_API_KEY"
_NEXT = "`rlhf status` shows it as long as the candidate's answers are these"

app = typer.Typer(
    name="judge",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Ask an LLM, or people, about the candidate's held-out answers: additional evidence, no gate.",
)


class Against(StrEnum):
    sft = "sft"
    champion = "champion"


AgainstOption = Annotated[Against, typer.Option(help="Whose answers the candidate's are held against.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]


@app.command()
def llm(
    context: typer.Context,
    endpoint: Annotated[str, typer.Option(metavar="URL", help="OpenAI-compatible, such as https://host/v1.")],
    model: Annotated[str, typer.Option(metavar="NAME", help="As the endpoint calls it.")],
    prompts: Annotated[int | None, typer.Option(min=1, help="Only so many, the first evaluated.")] = None,
    against: AgainstOption = Against.sft,
    concurrency: Annotated[int, typer.Option(min=1, max=32, help="Questions at a time.")] = 4,
    timeout: Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="For one reply.")] = 60.0,
    reasoning: Annotated[
        bool, typer.Option("--reasoning", help="For models that think first: more tokens, no temperature.")
    ] = False,
    plain_http: Annotated[
        bool, typer.Option("--plain-http", help="Allow http to another machine: key and texts unencrypted.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Ask an LLM which answer is better, each pair in both orders; only what both orders say counts.

    The key is taken from RLHF_JUDGE_API_KEY. Prompts and answers are sent to the endpoint. A run that ended early
    goes on with the verdicts it has; writes reports/llm_judge.json.

    \b
    rlhf judge llm --endpoint http://127.0.0.1:8000/v1 --model Qwen/Qwen3-8B
    rlhf judge llm --endpoint https://host/v1 --model NAME --prompts 100 --against champion
    """
    root = open_project(context)
    from components.evaluation.opinions.endpoint import Endpoint, check_key, endpoint_url
    from components.evaluation.opinions.llm_judge import LlmJudge
    from flows.display import on_terminal
    from flows.judging import judge_by_llm

    url = endpoint_url(endpoint, plain_http=plain_http)
    judge = LlmJudge(Endpoint(url, check_key(os.environ.get(_KEY, "")), timeout), model, reasoning)
    with on_terminal():
        figures = judge_by_llm(root, judge, against.value, prompts, concurrency)
    _print(figures, as_json=as_json)
    next_step(_NEXT, as_json=as_json)


@app.command()
def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", dir_okay=False, help="To write: .jsonl, or .csv.")],
    prompts: Annotated[int, typer.Option(min=1, help="So many, the first evaluated.")] = 100,
    against: AgainstOption = Against.sft,
    seed: Annotated[int, typer.Option(min=0, help="Of the order of rows and answers.")] = 7,
) -> None:
    """Write pairs for people to label, without a word of which model is which.

    They fill in `annotator` and `preferred` (a, b or tie); several people may judge a pair, a row each.

    \b
    rlhf judge export pairs.csv --prompts 50
    rlhf judge read pairs.csv
    """
    root = open_project(context)
    from flows.judging import export_pairs

    if file.suffix.lower() not in (".jsonl", ".csv"):
        raise typer.BadParameter("ends neither in .jsonl nor in .csv", param_hint="FILE")
    count = export_pairs(root, file, against.value, prompts, seed)
    say(f"{count} pairs to label in {file}; the key that tells whose answer is whose stays in .rlhf")
    note("these are held-out prompts: labels measure the candidate and are no feedback to ingest", "yellow")
    next_step(f"people fill in `annotator` and `preferred`, then `rlhf judge read {file}`")


@app.command()
def read(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="Labelled.")],
    as_json: AsJson = False,
) -> None:
    """Read what people labelled: win rate, agreement with the judge model; writes reports/people_judge.json.

    \b
    rlhf judge read pairs.csv
    """
    root = open_project(context)
    from flows.judging import judge_by_people

    figures = judge_by_people(root, file)
    _print(figures, as_json=as_json)
    next_step(_NEXT, as_json=as_json)


#: Figure, and how a person reads it.
_SHOWN = {
    "win_rate": "win rate, ties half",
    "length_controlled": "win rate at equal length",
    "judge_win_rate": "win rate by the judge model, same prompts",
    "agreement_with_judge": "agreement with the judge model, where both decide",
    "inconsistent": "pairs on which the two orders contradict each other",
    "first_shown": "decided for the answer shown first",
}
_COUNTS = (
    "prompts",
    "equal_answers",
    "unparseable_replies",
    "excluded_pairs",
    "votes",
    "annotators",
    "unlabelled_pairs",
)


def _print(figures: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(figures))
        return
    say(f"The candidate against {figures['against']}, by {figures['judge']}", "bold")
    for name, words in _SHOWN.items():
        if figures.get(name) is not None:
            lower, upper = figures[f"{name}_ci"]
            say(f"  {words}: {figures[name]:.1%} [{lower:.1%}, {upper:.1%}]")
    say("  " + ", ".join(f"{name.replace('_', ' ')} {figures[name]}" for name in _COUNTS if name in figures))
    say(f"  {figures['note']}")
