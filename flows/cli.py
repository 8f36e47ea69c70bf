"""The command `rlhf`. Heavy libraries are imported by the commands that need them: `rlhf --help` is quick."""

from __future__ import annotations

import signal
import sys
from typing import Annotated

import typer

from components.errors import BusyError, PromotionRefusedError, RlhfError, StoppedError
from components.stages.ending import STOPPED
from flows.commands import (
    ask,
    audit,
    board,
    chat,
    clean,
    collect,
    diff,
    doctor,
    down,
    feedback,
    generate,
    health,
    inbox,
    ingest,
    judge,
    lineage,
    next_batch,
    notifications,
    promote,
    reconcile,
    retrain,
    roles,
    rollback,
    serve,
    simulate,
    status,
    up,
    verify,
)
from flows.ending import lose_no_signal

FAILED, REFUSED, BUSY = 1, 4, 5

app = typer.Typer(
    name="rlhf",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
    epilog="Exit status: 0 fine, 1 failure, 2 wrong usage, 3 feedback rejected, 4 refused by a gate or by the "
    "rules of promotion, 5 busy, 6 files, feedback or the audit log are not what was recorded, 75 a retraining that "
    "was told to end and goes on when it is given again, 143 another command that was told to end.",
)
for name, command in {
    "up": up.command,
    "down": down.command,
    "doctor": doctor.command,
    "ingest": ingest.command,
    "inbox": inbox.command,
    "retrain": retrain.command,
    "promote": promote.command,
    "rollback": rollback.command,
    "reconcile": reconcile.command,
    "serve": serve.command,
    "ask": ask.command,
    "roles": roles.command,
    "audit": audit.command,
    "lineage": lineage.command,
    "verify": verify.command,
    "diff": diff.command,
    "clean": clean.command,
    "generate": generate.command,
    "next-batch": next_batch.command,
    "status": status.command,
    "board": board.command,
    "health": health.command,
    "notifications": notifications.command,
    "simulate": simulate.command,
}.items():
    app.command(name)(command)
app.add_typer(feedback.app)
app.add_typer(judge.app)
app.add_typer(collect.app)
app.add_typer(chat.app)


@app.callback()
def options(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and Prefect's own lines.")] = False,
) -> None:
    """From human feedback to a promoted model, and round again.

    \b
    rlhf ingest data/samples/*                 take in feedback
    rlhf feedback list                         what became of it, and what waits for you
    rlhf retrain                               train a candidate on it
    rlhf promote 1 --approver NAME             put the candidate into production
    rlhf generate "Review the Pixel 9."        ask the champion
    rlhf chat serve                            ask it on a page, and from programs
    """
    context.obj = debug


def main() -> None:
    """Run a command; an expected failure is its message and what to do about it, on stderr."""
    signal.signal(signal.SIGTERM, _end)
    lose_no_signal()
    debug = "--debug" in sys.argv
    try:
        app()
    except RlhfError as error:
        if debug:
            raise
        _complain(error.message, error.remedy)
        sys.exit(_status(error))
    except Exception as error:
        if debug:
            raise
        _complain(
            f"{type(error).__name__}: {error}",
            "this was not expected: `rlhf --debug ...` shows where it happened",
        )
        sys.exit(FAILED)


def _end(*_: object) -> None:
    # As an exception: what runs is ended on the way out, and the run's last state is told.
    raise SystemExit(128 + signal.SIGTERM)


def _complain(message: str, remedy: str) -> None:
    from flows.terminal import note

    note(f"error: {message}", "red")
    if remedy:
        note(f"remedy: {remedy}")


def _status(error: RlhfError) -> int:
    if isinstance(error, BusyError | StoppedError):
        return BUSY if isinstance(error, BusyError) else STOPPED
    return REFUSED if isinstance(error, PromotionRefusedError) else FAILED


if __name__ == "__main__":
    main()
