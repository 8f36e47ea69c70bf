"""`rlhf ingest FILE...`"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.terminal import next_step, note, plain, results, say
from flows.workspace import open_project, with_prefect

if TYPE_CHECKING:
    from components.feedback.manifest import IngestResult

REJECTED = 3
#: In words, because asking for help does not wait for the readers' libraries.
_FORMATS = (
    "pairwise, rating, thumbs, ranking, demonstration, edit, hh-rlhf, pandalm, oasst-rankings, oasst-thumbs, "
    "ukpconvarg1, rankme, sentence-polarity, argilla, label-studio"
)
_JSON_KEYS = ("file", "batch", "status", "read", "accepted", "quarantined", "duplicates", "reasons")


def command(
    context: typer.Context,
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            exists=True,
            dir_okay=False,
            readable=True,
            help="JSON, JSONL, CSV or Parquet, also gzipped.",
        ),
    ],
    format_name: Annotated[
        str | None,
        typer.Option(
            "--format", help=f"How to read them; by default told by their columns. One of {_FORMATS}."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a file on stdout.")] = False,
) -> None:
    """Take in files of feedback. A file that was taken in before changes nothing.

    \b
    rlhf ingest data/samples/*
    rlhf ingest export.json --format argilla --json
    """
    root = open_project(context)
    paths = [file.resolve() for file in files]
    _check_format(format_name)
    with with_prefect(root, "flows.ingest"):
        from flows.ingest import ingest

        done = ingest(root, paths, format_name)
    for result, given in zip(done, files, strict=True):
        _print_json(result, given) if as_json else _print(result, given)
    _finish(done, as_json)


def _check_format(name: str | None) -> None:
    from components.errors import FeedbackError
    from components.feedback.readers.registry import reader_named

    try:
        reader_named(name) if name is not None else None
    except FeedbackError as error:
        raise typer.BadParameter(f"{error.message}; {error.remedy}", param_hint="--format") from None


def _print_json(result: IngestResult, given: Path) -> None:
    # ensure_ascii: no byte of a file's name can act on a terminal.
    content = {key: result.to_json()[key] for key in _JSON_KEYS} | {"file": str(given)}
    typer.echo(json.dumps(content, ensure_ascii=True))


def _print(result: IngestResult, given: Path) -> None:
    style = "red" if result.status == "rejected" else "green"
    line = plain(f"{given}: ") + plain(result.status.replace("_", " "), style)
    counts = f": {result.read} read, {result.accepted} accepted, {result.quarantined} quarantined, "
    results().print(line + plain(f"{counts}{result.duplicates} duplicates"))
    for code, count in sorted(result.reasons.items()):
        say(f"  {code}: {count}")
    if result.message:
        note(f"  {result.message}", "red")
        note(f"  remedy: {result.remedy}")


def _finish(done: list[IngestResult], as_json: bool) -> None:
    statuses = Counter(result.status for result in done)
    if statuses["rejected"]:
        next_step("mend what was rejected and ingest it again; nothing of it was kept", as_json=as_json)
        raise typer.Exit(REJECTED)
    if any(result.quarantined for result in done):
        next_step(
            "`rlhf retrain`; data/quarantine holds the rows that were refused, with reasons", as_json=as_json
        )
    else:
        next_step("`rlhf retrain`", as_json=as_json)
