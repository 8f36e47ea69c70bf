"""`rlhf feedback ...`: what there is of feedback, and what people decide about it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.terminal import next_step, note, say
from flows.workspace import open_project, with_prefect

if TYPE_CHECKING:
    from components.feedback.life.withdrawal import Erasure

app = typer.Typer(
    name="feedback",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Look at batches of feedback, release or refuse those that wait, mend, withdraw.",
)

Batch = Annotated[str, typer.Argument(metavar="BATCH", help="As `rlhf feedback list` shows it.")]
Why = Annotated[str, typer.Option(help="Kept with the batch, for whoever asks later.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]


@app.command("list")
def list_batches(context: typer.Context, as_json: AsJson = False) -> None:
    """List all batches: accepted, held, rejected, refused, withdrawn.

    \b
    rlhf feedback list
    """
    root = open_project(context)
    from components.feedback.store import list_manifests
    from flows.commands.status import table

    batches = [manifest.to_json() for manifest in list_manifests(root / "data")]
    if as_json:
        typer.echo(json.dumps(batches, ensure_ascii=True))
    else:
        table("Feedback", ("batch", "status", "read", "accepted", "quarantined", "duplicates"), batches)
    waiting = [batch["batch"] for batch in batches if batch["status"] == "held"]
    next_step(f"`rlhf feedback show {waiting[0]}`" if waiting else "`rlhf retrain`", as_json=as_json)


@app.command()
def show(context: typer.Context, batch: Batch, as_json: AsJson = False) -> None:
    """Show what became of a batch and why; writes its page.

    \b
    rlhf feedback show week-2-1a2b3c4d
    """
    root = open_project(context)
    from components.files import read_json
    from flows.pages import write_page

    _check(root, batch)
    page = write_page(root, batch)
    numbers = read_json(page.with_suffix(".json"))
    if as_json:
        typer.echo(json.dumps(numbers, ensure_ascii=True))
    else:
        _print(numbers, page)
    next_step(numbers["next"], as_json=as_json)


@app.command()
def quarantine(
    context: typer.Context,
    batch: Batch,
    export: Annotated[
        str | None, typer.Option(help="`csv`: a table for a spreadsheet; its formulas are made harmless.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the rows of a batch that were refused, with line, reason and remedy.

    \b
    rlhf feedback quarantine week-2-1a2b3c4d
    rlhf feedback quarantine week-2-1a2b3c4d --export csv > refused.csv
    """
    root = open_project(context)
    from components.feedback.life.mending import as_csv, refused_rows

    if export not in (None, "csv"):
        raise typer.BadParameter(f"{export!a} is not csv", param_hint="--export")
    rows = refused_rows(root / "data", _check(root, batch))
    if export:
        for line in as_csv(rows):
            typer.echo(line, nl=False)
        return
    for row in rows:
        typer.echo(json.dumps(row, ensure_ascii=True)) if as_json else say(row["message"])
    next_step(f"mend them in a copy of the file, then `rlhf feedback retry {batch} FILE`", as_json=as_json)


@app.command()
def retry(
    context: typer.Context,
    batch: Batch,
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="The mended file, or its mended rows.")
    ],
    as_json: AsJson = False,
) -> None:
    """Bring refused rows again, mended. Rows that are accepted already count as repeats.

    Also the very file, where what stood against a row has gone since: a row with its id was withdrawn.

    \b
    rlhf feedback retry week-2-1a2b3c4d mended.jsonl
    """
    root = open_project(context)
    _check(root, batch)
    with with_prefect(root, "flows.curation"):
        from flows.commands.ingest import json_of, print_json, print_result
        from flows.curation import retry_batch

        result = retry_batch(root, batch, file.resolve())
    print_json(json_of(result, str(file))) if as_json else print_result(result, str(file))
    next_step("`rlhf retrain`", as_json=as_json)


@app.command()
def release(context: typer.Context, batch: Batch, why: Why = "") -> None:
    """Accept a batch that waits; or, after all, one that was refused.

    \b
    rlhf feedback release week-2-1a2b3c4d --why "the new team writes longer answers"
    """
    root = open_project(context)
    with with_prefect(root, "flows.curation"):
        from pydantic import SecretStr

        from flows.curation import release_batch

        manifest = release_batch(root, batch, SecretStr(why))
    say(f"{batch}: {manifest.accepted} rows accepted")
    next_step("`rlhf retrain`")


@app.command()
def refuse(context: typer.Context, batch: Batch, why: Why) -> None:
    """Put a batch that waits aside for good; its rows stay readable.

    \b
    rlhf feedback refuse week-2-1a2b3c4d --why "one person clicked through it"
    """
    root = open_project(context)
    with with_prefect(root, "flows.curation"):
        from pydantic import SecretStr

        from flows.curation import refuse_batch

        refuse_batch(root, batch, SecretStr(why))
    say(f"{batch}: refused; its rows are in data/quarantine/{batch}")
    next_step("`rlhf feedback list`")


@app.command()
def withdraw(
    context: typer.Context,
    why: Why,
    batch: Annotated[str | None, typer.Argument(metavar="[BATCH]", help="An accepted batch.")] = None,
    annotator: Annotated[
        str | None, typer.Option(help="Instead of a batch: all that one person said.")
    ] = None,
    lines: Annotated[
        list[int] | None,
        typer.Option("--line", min=1, metavar="N", help="Only the row of this line. Repeatable."),
    ] = None,
) -> None:
    """Take feedback out of all future datasets. Models that learned from it stay, and their lineage names it.
    What is withdrawn cannot come in again; a row that corrects it can, also under its id.

    \b
    rlhf feedback withdraw week-2-1a2b3c4d --why "licence ended"
    rlhf feedback withdraw week-2-1a2b3c4d --line 17 --line 40 --why "corrected since"
    rlhf feedback withdraw --annotator ann-17 --why "erasure request"
    """
    root = open_project(context)
    if (batch is None) == (annotator is None):
        raise typer.BadParameter("give a batch or --annotator, one of the two", param_hint="BATCH")
    if lines and annotator is not None:
        raise typer.BadParameter("is of a batch: give BATCH, not --annotator", param_hint="--line")
    with with_prefect(root, "flows.curation"):
        from pydantic import SecretStr

        from flows.curation import withdraw as run

        who = None if annotator is None else SecretStr(annotator)
        erasure = run(root, batch, who, SecretStr(why), sorted(set(lines or ())))
    _print_erasure(erasure)
    next_step(
        "`rlhf retrain`; old versions of the data stay in DVC's cache until `rlhf clean --older-than 0 --yes`, "
        "in a remote elsewhere for good, the files that were ingested where they lie"
    )


@app.command()
def card(context: typer.Context) -> None:
    """Write the data card of all accepted feedback, in Markdown.

    \b
    rlhf feedback card
    """
    root = open_project(context)
    from components.config import load_params
    from flows.pages import write_card

    say(str(write_card(root, load_params(root / "params.yaml")).relative_to(root)))
    next_step("read it; the Hugging Face hub shows it as a dataset's page")


def _check(root: Path, batch: str) -> str:
    """The name of a batch that there is."""
    from components.feedback.life.events import find_batch

    return find_batch(root / "data", batch)


def _print_erasure(erasure: Erasure) -> None:
    for gone in erasure.gone:
        said = f"{gone.batch}: {gone.rows} rows and {gone.votes} single votes withdrawn"
        say(f"{said}, {gone.refused} refused rows hushed" if gone.refused else said)
    for page, count in erasure.on_pages.items():
        say(f"{page}: {count} judgements forgotten")
    if not erasure.gone and not erasure.on_pages:
        say("nobody of this name said anything")
    for batch, count in erasure.unreadable.items():
        note(f"{batch}: {count} refused rows cannot be read, and nobody can tell whose they are", "yellow")
        note(f"remedy: look at them: `rlhf feedback quarantine {batch}`")
    for batch in erasure.named_after:
        note(f"{batch} is called after this name, or its file is: that stays on record", "yellow")


def _print(numbers: dict[str, Any], page: Path) -> None:
    say(f"{numbers['batch']}: {numbers['status']}")
    say(", ".join(f"{count:,} {name}" for name, count in numbers["counts"].items() if name != "closes"))
    for reason in numbers["why"]:
        say(f"  {reason}")
    for kind in ("reasons", "tags"):
        for code, count in numbers[kind].items():
            say(f"  {code}: {count}")
    for finding in numbers["findings"]:
        say(f"  {finding['code']} ({finding['action']}): {finding['message']}")
        say(f"    {finding['remedy']}")
    say(f"page: {page.as_uri()}")
