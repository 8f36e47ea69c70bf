"""`rlhf generate "PROMPT"`"""

from __future__ import annotations

import json
import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.terminal import next_step, say
from flows.workspace import open_project

if TYPE_CHECKING:
    from components.tracking.loading import LoadedVersion


class Which(StrEnum):
    champion = "champion"
    candidate = "candidate"
    sft = "sft"


def command(
    context: typer.Context,
    prompt: Annotated[str, typer.Argument(help="What to ask.")],
    model: Annotated[Which, typer.Option(help="Whom to ask.")] = Which.champion,
    count: Annotated[int, typer.Option("-n", min=1, max=1000, help="How many answers.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same answers.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Ask a registered model; its answers with the reward model's score, and as stars where people gave ratings.

    \b
    rlhf generate "Review the Pixel 9." -n 4
    rlhf generate "Review the Pixel 9." --model candidate --seed 7
    """
    root = open_project(context)
    version = _load(root, model)
    answers = answers_of(root, version, prompt, count, seed)
    if as_json:
        about = {"model": version.name, "version": version.version, "prompt": prompt}
        typer.echo(json.dumps(about | {"answers": answers}))
    else:
        for number, answer in enumerate(answers, start=1):
            _print(number, answer)
    next_step(_advice(model), as_json=as_json)


def _load(root: Path, model: Which) -> LoadedVersion:
    from components.tracking.loading import load_version
    from components.tracking.tracker import connect

    return load_version(connect(root), model.value)


def answers_of(
    root: Path, version: LoadedVersion, prompt: str, count: int, seed: int
) -> list[dict[str, object]]:
    """Text, score, and stars (None without ratings) of each answer, the best first."""
    # Everything is on this disk: no library needs to ask a hub.
    os.environ["HF_HUB_OFFLINE"] = "1"
    from components.config import load_params
    from components.evaluation.stars import Stars
    from components.modeling.generation import generate_responses
    from components.training.scoring import load_scorer

    temperature = load_params(root / "params.yaml").evaluate.temperature
    [texts] = generate_responses(version.folder, [prompt], count, temperature, seed)
    scores = load_scorer(version.reward)([prompt] * count, texts)
    stars = Stars.read(version.reward / "stars.json")
    ranked = sorted(zip(scores, texts, strict=True), reverse=True)
    return [
        {"text": text, "score": score, "stars": stars.text(score) if stars else None}
        for score, text in ranked
    ]


def _print(number: int, answer: dict[str, object]) -> None:
    say(f"{number}. {answer['text']}")
    stars = f", {answer['stars']}" if answer["stars"] else ""
    say(f"   score {answer['score']:+.2f}{stars}", "dim")


def _advice(model: Which) -> str:
    if model is Which.champion:
        return "judge the answers and `rlhf ingest` what you found; `rlhf status` shows where things are"
    return '`rlhf generate "PROMPT"` asks the champion, to compare'
