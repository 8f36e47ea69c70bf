"""`rlhf next-batch -n 200`"""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.collect.telling import counts_of, note_refused, words_of
from flows.terminal import next_step, note, say
from flows.workspace import open_project

if TYPE_CHECKING:
    from components.collecting.tasks import Added
    from flows.next_batch import NextBatch

REJECTED = 3


def command(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", dir_okay=False, help="To write: .jsonl.")
    ] = None,
    count: Annotated[int, typer.Option("-n", min=1, max=100_000, help="How many pairs.")] = 200,
    prompts: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", exists=True, dir_okay=False, help="JSON lines with a `prompt`; else those known."
        ),
    ] = None,
    to_collect: Annotated[
        bool, typer.Option("--to-collect", help="Add them to what `rlhf collect serve` shows.")
    ] = False,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**31 - 1, help="The same again; else drawn, and told.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
) -> None:
    """Choose the pairs of answers that people judge next: those that teach the reward model most, and some at random.

    Champion and candidate answer prompts; where only one is there, its own answers are paired. Prompts that examine
    the models are never asked about. On the judge's prompts all pairs are drawn at random. Why each was chosen
    stands in the file; `choose` in params.yaml sets the shares.

    \b
    rlhf next-batch -n 200 pairs.jsonl
    rlhf next-batch -n 20 --to-collect
    rlhf next-batch -n 50 pairs.jsonl --prompts prompts.jsonl
    """
    root = open_project(context)
    if (file is None and not to_collect) or (file is not None and file.suffix != ".jsonl"):
        raise typer.BadParameter("give a file that ends in .jsonl, or --to-collect", param_hint="FILE")
    seed = secrets.randbelow(2**31) if seed is None else seed
    place = _kept(root, seed) if file is None else file.resolve()
    from flows.exports import check_free
    from flows.next_batch import budget, next_batch

    check_free([place])
    batch = next_batch(root, count, None if prompts is None else prompts.resolve(), seed)
    _write(place, batch)
    figures = _figures(place, batch, seed) | budget(root, len(batch.rows))
    if not as_json:
        _tell(figures)
    added = _add(root, place) if to_collect else None
    if as_json:
        typer.echo(json.dumps(figures | ({} if added is None else {"collect": counts_of(added)})))
    if len(batch.rows) < count:
        note(f"only {len(batch.rows)} of {count} pairs: give more prompts with --prompts FILE", "yellow")
    _end(place, added, as_json)


def _kept(root: Path, seed: int) -> Path:
    """Where the reasons stay when only the collecting database was asked for."""
    from components.workspace import STATE

    return root / STATE / "collect" / f"next-batch-{seed}.jsonl"


def _write(place: Path, batch: NextBatch) -> None:
    from components.files import write_bytes
    from flows.exports import json_lines

    write_bytes(place, json_lines(batch.rows))


def _figures(place: Path, batch: NextBatch, seed: int) -> dict[str, Any]:
    counts = {why: batch.count(why) for why in ("information", "random")}
    left_out = {"held_out_prompts": batch.held_out, "refused_pairs": batch.refused}
    about = {"file": str(place), "pairs": len(batch.rows), **counts, "models": batch.models}
    return about | {"prompts": batch.answered, **left_out, "seed": seed}


def _tell(figures: dict[str, Any]) -> None:
    say(f"{figures['file']}: {figures['pairs']} pairs of answers by {_whose(figures['models'])}", "bold")
    say(
        f"  {figures['information']} teach most, {figures['random']} are drawn at random; seed {figures['seed']}"
    )
    if figures["held_out_prompts"]:
        say(
            f"  {figures['held_out_prompts']} prompts are left out: judgements of them examine, and do not teach"
        )
    if figures["refused_pairs"]:
        say(f"  {figures['refused_pairs']} pairs are left out: ingestion would refuse them")
    minutes = (
        "" if figures["minutes"] is None else f", about {figures['minutes']:.0f} minutes of people's time"
    )
    say(f"  {figures['judgements']} judgements at {figures['votes']} a pair{minutes}")


def _whose(models: list[str]) -> str:
    return " and ".join(models) if len(models) > 1 else f"{models[0]} alone"


def _add(root: Path, place: Path) -> Added:
    from components.collecting.store import DATABASE, Store
    from components.collecting.tasks import add_tasks
    from components.config import load_params
    from components.feedback.rules import Rules

    rules = Rules.of(load_params(root / "params.yaml").feedback, root)
    try:
        return add_tasks(Store(root / DATABASE), place, rules)
    except Exception:
        # It took minutes to choose them.
        note(f"the pairs are kept in {place}: `rlhf collect tasks {place}` adds them", "yellow")
        raise


def _end(place: Path, added: Added | None, as_json: bool) -> None:
    if added is None:
        next_step(f"`rlhf collect tasks {place}`", as_json=as_json)
        return
    if not as_json:
        say(words_of(added))
    note_refused(added)
    if added.refused:
        raise typer.Exit(REJECTED)
    next_step("`rlhf collect invite NAME...`, then `rlhf collect serve`", as_json=as_json)
