"""`rlhf ingest SOURCE...`"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.terminal import next_step, note, plain, results, say
from flows.workspace import open_project, with_prefect

if TYPE_CHECKING:
    from components.feedback.manifest import IngestResult

REJECTED = 3
#: In words, because asking for help does not wait for the readers' libraries.
FORMATS = (
    "pairwise, rating, thumbs, ranking, demonstration, edit, messages, completion, kto, hh-rlhf, pandalm, "
    "oasst-rankings, oasst-thumbs, ukpconvarg1, rankme, sentence-polarity, argilla, label-studio"
)
_JSON_KEYS = (
    "file",
    "batch",
    "status",
    "read",
    "accepted",
    "quarantined",
    "duplicates",
    "reasons",
    "automatic",
)


def command(
    context: typer.Context,
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE",
            help="Files: JSON, JSONL, CSV or Parquet, also gzipped. Folders with a data set that `datasets` wrote. "
            "hf://NAME_OR_FOLDER?config=...&split=...&revision=... mlflow://EXPERIMENT for what people said of its "
            "traces, with ?filter=... of traces, ?good=NAME,... and ?bad=NAME,... where an assessment's name does "
            "not speak for itself, ?scale=1-5 of ratings, ?sources=human,judge,code.",
        ),
    ],
    format_name: Annotated[
        str | None,
        typer.Option(
            "--format", help=f"How to read them; by default told by their columns. One of {FORMATS}."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a file on stdout.")] = False,
) -> None:
    """Take in feedback. What was taken in before changes nothing.

    \b
    rlhf ingest data/samples/*
    rlhf ingest export.json --format argilla --json
    rlhf ingest mlflow://reviews "mlflow://reviews?good=on_topic&scale=1-5"
    rlhf ingest "hf://Anthropic/hh-rlhf?split=train" saved-data-set/
    """
    root = open_project(context)
    check_format(format_name)
    found = [_checked(source) for source in sources]
    with with_prefect(root, "flows.ingest"):
        from components.feedback.printable import printable
        from flows.ingest import ingest

        done = ingest(root, found, format_name)
    # A file is called as it was given; what a source brought has a name of its own.
    given = {printable(str(path)): source for path, source in zip(found, sources, strict=True)}
    for result in done:
        name = given.get(result.file, result.file)
        print_json(json_of(result, name)) if as_json else print_result(result, name)
    _finish(done, as_json)


def _checked(source: str) -> Path | str:
    """The path of a file or folder that is there, or an address that can be read."""
    from components.errors import FeedbackError
    from components.feedback.sources.address import is_address, parse_address

    if is_address(source):
        try:
            parse_address(source)
        except FeedbackError as error:
            raise typer.BadParameter(f"{error.message}; {error.remedy}", param_hint="SOURCE") from None
        return source
    path = Path(source).resolve()
    if not os.access(path, os.R_OK):
        words = "is not readable" if path.exists() else "does not exist"
        raise typer.BadParameter(f"{source!a} {words}", param_hint="SOURCE")
    return path


def check_format(name: str | None) -> None:
    from components.errors import FeedbackError
    from components.feedback.readers.registry import reader_named

    try:
        reader_named(name) if name is not None else None
    except FeedbackError as error:
        raise typer.BadParameter(f"{error.message}; {error.remedy}", param_hint="--format") from None


def json_of(result: IngestResult, name: str) -> dict[str, Any]:
    return {key: result.to_json()[key] for key in _JSON_KEYS} | {"file": name}


def print_json(content: dict[str, Any]) -> None:
    # ensure_ascii: no byte of a file's name can act on a terminal.
    typer.echo(json.dumps(content, ensure_ascii=True))


def print_result(result: IngestResult, name: str) -> None:
    style = {"rejected": "red", "held": "yellow"}.get(result.status, "green")
    line = plain(f"{name}: ") + plain(result.status.replace("_", " "), style)
    counts = f": {result.read} read, {result.accepted} accepted, {result.quarantined} quarantined, "
    results().print(line + plain(f"{counts}{result.duplicates} duplicates"))
    if result.automatic:
        say("  automatic: no person judged these rows")
    for code, count in sorted(result.reasons.items()):
        say(f"  {code}: {count}")
    for code, count in sorted(result.tags.items()):
        say(f"  tagged {code}: {count}")
    if result.message:
        note(f"  {result.message}", "red")
        note(f"  remedy: {result.remedy}")


def _finish(done: list[IngestResult], as_json: bool) -> None:
    statuses = Counter(result.status for result in done)
    if statuses["rejected"]:
        next_step("mend what was rejected and ingest it again; nothing of it was kept", as_json=as_json)
        raise typer.Exit(REJECTED)
    held = next((result.batch for result in done if result.status == "held"), None)
    if held is not None:
        next_step(
            f"`rlhf feedback show {held}`, then `rlhf feedback release` or `refuse` it", as_json=as_json
        )
    elif any(result.quarantined for result in done):
        next_step(
            "`rlhf retrain`; `rlhf feedback quarantine BATCH` shows the rows that were refused, with reasons",
            as_json=as_json,
        )
    else:
        next_step("`rlhf retrain`", as_json=as_json)
