"""`rlhf inbox FOLDER`"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from components.errors import RlhfError
from flows.commands.ingest import FORMATS, REJECTED, check_format, json_of, print_json, print_result
from flows.ending import ending, polite_end, undisturbed
from flows.terminal import next_step, note
from flows.workspace import open_project, with_prefect

if TYPE_CHECKING:
    from components.feedback.sources.inbox import Arrival, Inbox
    from flows.inbox import Taken

#: One flow run takes so many files: DVC is asked once a run, and a file is moved when its run ends.
_MOST_AT_ONCE = 50
_LOOK_EVERY_S = 1.0
_RETRY_S = 60.0


def command(
    context: typer.Context,
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            exists=True,
            file_okay=False,
            help="Files are moved to its folders done and failed.",
        ),
    ],
    once: Annotated[
        bool, typer.Option("--once", help="Take what is complete and end, instead of watching on.")
    ] = False,
    settle: Annotated[
        float,
        typer.Option(
            min=0, metavar="SECONDS", help="A file is complete when it stayed the same for so long."
        ),
    ] = 10.0,
    format_name: Annotated[
        str | None, typer.Option("--format", help=f"How to read the files. One of {FORMATS}.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a file on stdout.")] = False,
) -> None:
    """Watch a folder and take in each file that is complete; it is moved, its report beside it.

    A file is complete when it stayed the same for a while, or at once when a file of its name and `.done`
    lies beside it. Hidden files and names that end in .part, .partial, .tmp, .filepart, .crdownload or ~ are
    left alone: write under such a name and rename.

    \b
    rlhf inbox /srv/feedback
    rlhf inbox /srv/feedback --once --settle 5
    """
    root = open_project(context)
    check_format(format_name)
    from components.feedback.sources.inbox import Inbox, watching

    folder = folder.resolve()
    with polite_end(), watching(folder):
        inbox = Inbox(folder, settle, lambda sentence: note(sentence, "yellow"))
        rejected = _run(root, inbox, format_name, once=once, as_json=as_json)
    if rejected:
        next_step(f"mend what lies in {folder / 'failed'} and send it again", as_json=as_json)
        raise typer.Exit(REJECTED)
    next_step("`rlhf retrain`", as_json=as_json)


def _run(root: Path, inbox: Inbox, format_name: str | None, *, once: bool, as_json: bool) -> bool:
    """Take files until there is no more to do; whether one was rejected."""
    batches = _batches(inbox, once)
    first = next(batches, None)
    if first is None:
        return False
    rejected = False
    # Only now: an inbox that is looked at every minute is mostly empty, and a server takes seconds to start.
    with with_prefect(root, "flows.inbox"):
        from flows.inbox import take_in

        arrivals: list[Arrival] | None = first
        while arrivals is not None:
            try:
                done: list[Taken] = undisturbed(take_in, root, inbox, arrivals, format_name)
            except RlhfError as error:
                if once:
                    raise
                _wait_after(error)
                done = []
            for taken in done:
                rejected |= taken.result.status == "rejected"
                _print(taken, as_json)
            arrivals = next(batches, None)
    return rejected


def _wait_after(error: RlhfError) -> None:
    """The files are where they were: who watches on tries again later."""
    note(f"error: {error.message}", "red")
    note(f"remedy: {error.remedy}")
    ending.wait(_RETRY_S)


def _batches(inbox: Inbox, once: bool) -> Iterator[list[Arrival]]:
    """Complete files as they come; with `once` those that are there, after the time they need to show it."""
    deadline = time.monotonic() + inbox.settle_s + _LOOK_EVERY_S
    while not ending.is_set():
        arrivals = inbox.look()
        for start in range(0, len(arrivals), _MOST_AT_ONCE):
            if ending.is_set():
                return
            yield arrivals[start : start + _MOST_AT_ONCE]
        if once and (not inbox.unfinished or time.monotonic() > deadline):
            for name in inbox.unfinished:
                note(f"{name} is still being written; the next run takes it", "yellow")
            return
        ending.wait(min(_LOOK_EVERY_S, max(inbox.settle_s, 0.05)))


def _print(taken: Taken, as_json: bool) -> None:
    if as_json:
        moved = None if taken.path is None else str(taken.path)
        print_json(json_of(taken.result, str(taken.arrival.path)) | {"moved_to": moved})
        return
    print_result(taken.result, taken.arrival.path.name)
    if taken.path is None:
        note(f"{taken.arrival.path.name} was replaced meanwhile; the new file waits its turn", "yellow")
