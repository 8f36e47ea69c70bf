"""`rlhf board`"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from flows.terminal import next_step, say
from flows.workspace import open_project


def command(
    context: typer.Context,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Instead of servers.board_port; 0: any that is free.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", dir_okay=False, help="Write the page there, as it is now, and end."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="What the page shows, as one JSON object.")] = False,
) -> None:
    """Show the loop on one page: batches, stages, candidate, champion, what waits for whom, figures over versions.

    The page is served on this machine alone until Ctrl-C, follows by itself what happens, and changes nothing.

    \b
    rlhf board
    rlhf board --file board.html
    rlhf board --json
    """
    root = open_project(context)
    if as_json or file:
        _once(root, file, as_json)
    else:
        _serve(root, port)


def _once(root: Path, file: Path | None, as_json: bool) -> None:
    from components.files import write_text
    from flows.board.looking import look_at_loop
    from flows.board.page import board_page

    seen = look_at_loop(root, {})
    if file:
        write_text(file.resolve(), board_page(seen, None))
    typer.echo(json.dumps(seen)) if as_json else say(f"{file} written")
    next_step(seen["next"] if as_json else f"open {file} in a browser", as_json=as_json)


def _serve(root: Path, port: int | None) -> None:
    from components.config import load_params
    from flows.board.app import make_app
    from flows.board.looking import Look
    from flows.web.addresses import addresses_of
    from flows.web.server import listen, serve

    host = "127.0.0.1"
    usual = load_params(root / "params.yaml").servers.board_port
    listener = listen(host, usual if port is None else port, "servers.board_port")
    at = listener.getsockname()[1]
    say(f"the board is at http://{host}:{at}")
    next_step("open it; Ctrl-C ends it")
    serve(make_app(Look(root), addresses_of(host, at, None)), listener)
