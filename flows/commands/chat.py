"""`rlhf chat`: ask the models in production, in a terminal, on a page, or from programs."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from components.errors import RlhfError
from flows.terminal import next_step, note, say
from flows.workspace import open_project

if TYPE_CHECKING:
    from flows.chat.terminal import Talk

app = typer.Typer(name="chat", invoke_without_command=True, rich_markup_mode=None)
AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]
Model = Annotated[
    str, typer.Option(metavar="MODEL", help="champion, candidate, or a production version's number.")
]


@app.callback()
def chat(
    context: typer.Context,
    model: Model = "champion",
    other: Annotated[
        str | None, typer.Option("--with", metavar="MODEL", help="Another one, which answers too.")
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(min=0, max=2, help="Instead of chat.temperature.")
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="Of an answer, at most.")] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**63 - 1, help="The same seed and prompt give the same answer.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Yours in feedback; else your login.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask a model; its answer appears as it is written, then its score, and stars where people gave ratings.

    Each prompt stands by itself. + or - gives the answer a thumb, which becomes feedback after you agreed once
    (`rlhf chat export`). With another input than a terminal, all of it is one prompt.

    \b
    rlhf chat
    rlhf chat --with candidate
    echo "Review the Pixel 9." | rlhf chat --json
    rlhf chat serve
    """
    if context.invoked_subcommand is not None:
        return
    from flows.chat.terminal import Drawing

    if as_json and sys.stdin.isatty():
        raise typer.BadParameter(
            "is for a prompt from a pipe: echo PROMPT | rlhf chat --json", param_hint="--json"
        )
    root = open_project(context)
    kinds = [model] if other is None else [model, other]
    talk = _talk(root, kinds, name, Drawing(_temperature(root, temperature), max_tokens, seed))
    if sys.stdin.isatty():
        talk.hold(input)
    else:
        _answer_input(talk, as_json)
    next_step("`rlhf chat export --to-inbox` passes thumbs on; `rlhf chat serve` is a page", as_json=True)


@app.command()
def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="To listen at.")] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Instead of chat.port; 0: any that is free.")
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where people open the page, such as https://ask.example.org."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a page to ask champion and candidate on, and answer programs that speak OpenAI's protocol, at /v1.

    Until Ctrl-C or SIGTERM. Where RLHF_API_KEY is set, people and programs must say it; it must be set where others
    than this machine's users can ask. There is no HTTPS: for other machines put a proxy in front that speaks it, and
    say under which address people open it.

    \b
    rlhf chat serve
    curl http://127.0.0.1:4400/v1/models
    RLHF_API_KEY=... rlhf chat serve --address https://ask.example.org
    """
    root = open_project(context)
    from components.config import load_params
    from flows.chat.app import make_app
    from flows.chat.house import KEY, open_house
    from flows.web.addresses import addresses_of, is_loopback, is_near
    from flows.web.server import listen
    from flows.web.server import serve as answer

    if not (is_loopback(host) and (address is None or is_near(address))) and not os.environ.get(KEY):
        raise RlhfError(
            f"everybody who reaches {address or host} could ask the models",
            f"set {KEY}, which they must say then",
        )
    usual = load_params(root / "params.yaml").chat.port
    listener = listen(host, usual if port is None else port, "chat.port")
    at = listener.getsockname()[1]
    page = make_app(open_house(root, addresses_of(host, at, address)))
    shown = min(page.origins, key=lambda each: (not each.startswith("http://127."), each))
    line = json.dumps({"address": shown, "port": at, "api": f"{shown}/v1"})
    typer.echo(line) if as_json else say(f"ask at {shown}; programs at {shown}/v1")
    next_step("`rlhf chat export --to-inbox` passes thumbs on; Ctrl-C ends the page", as_json=True)
    answer(page, listener)


@app.command()
def export(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", dir_okay=False, help="To write: .jsonl.")
    ] = None,
    to_inbox: Annotated[
        bool, typer.Option("--to-inbox", help="Into schedule.inbox instead, where the inbox flow takes it.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="What was exported before, too; ingestion counts it once.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write thumbs as a file that `rlhf ingest` takes, each once. From then on they are final.

    \b
    rlhf chat export thumbs.jsonl
    rlhf chat export --to-inbox
    """
    root = open_project(context)
    from components.config import load_params
    from flows.chat.writing import write_export, write_to_inbox

    if (file is None) != to_inbox or (file is not None and file.suffix != ".jsonl"):
        raise typer.BadParameter("give a file that ends in .jsonl, or --to-inbox", param_hint="FILE")
    if file is None:
        inbox = root / load_params(root / "params.yaml").schedule.inbox
        written = write_to_inbox(root, inbox, everything=everything)
    else:
        written = write_export(root, file.resolve(), everything=everything)
    for path, rows in written.items():
        found = {"file": str(path), "rows": rows}
        typer.echo(json.dumps(found)) if as_json else say(f"{path}: {rows} rows")
    _after_export(list(written), to_inbox, as_json)


def _after_export(written: list[Path], to_inbox: bool, as_json: bool) -> None:
    if not written:
        note("there are no new thumbs; --all writes again what was exported before", "yellow")
        next_step("`rlhf chat serve`", as_json=as_json)
    elif to_inbox:
        next_step("`rlhf serve` takes the inbox in by itself", as_json=as_json)
    else:
        next_step(f"`rlhf ingest {written[0]}`", as_json=as_json)


def _temperature(root: Path, given: float | None) -> float:
    from components.config import load_params

    return load_params(root / "params.yaml").chat.temperature if given is None else given


def _talk(root: Path, kinds: list[str], name: str | None, drawing: object) -> Talk:
    # Everything is on this disk: no library needs to ask a hub.
    os.environ["HF_HUB_OFFLINE"] = "1"
    from components.config import load_params
    from components.serving.version import load_served
    from components.tracking.tracker import connect
    from components.workspace import current_user
    from flows.chat.terminal import Talk, checked_kind

    kinds = [checked_kind(kind) for kind in kinds]
    tracker = connect(root)
    scores = load_params(root / "params.yaml").chat.scores
    versions = [load_served(tracker, kind, scores=scores) for kind in kinds]
    return Talk(root, versions, drawing, name or current_user())


def _answer_input(talk: Talk, as_json: bool) -> None:
    """Answer all of the input as one prompt."""
    prompt = sys.stdin.buffer.read().decode("utf-8", "replace").rstrip("\n")
    if not prompt.strip():
        raise RlhfError("there is no prompt", 'echo "Review the Pixel 9." | rlhf chat')
    answers = talk.ask(prompt, quiet=as_json)
    if as_json:
        typer.echo(json.dumps({"prompt": prompt, "answers": answers}))
