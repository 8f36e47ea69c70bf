"""`rlhf collect ...`: a page on which people judge pairs of answers, and what they said as feedback to ingest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.collect.telling import print_added, print_line, print_status
from flows.commands import automatic, elsewhere
from flows.terminal import next_step, note
from flows.workspace import open_project

REJECTED = 3
app = typer.Typer(
    name="collect",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Let people judge pairs of answers in a browser, and ingest what they said.",
)
app.command("auto")(automatic.command)
app.command("to-argilla")(elsewhere.to_argilla)
app.command("to-label-studio")(elsewhere.to_label_studio)
AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]
Address = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Where people open the page, such as https://judge.example.org."),
]


@app.command()
def tasks(
    context: typer.Context,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="JSON lines.")
    ],
    as_json: AsJson = False,
) -> None:
    """Add pairs to judge: prompt, response_a, response_b; optional id, language, gold (a, b or tie).

    A pair with gold is a question whose answer is known, mixed in to see who takes care. A pair that is there
    already, in either order, adds nothing; with gold it becomes such a question, as long as nobody was shown it.
    Rows that ingestion would refuse are refused here, before anybody judges them: exit status 3.

    \b
    rlhf collect tasks pairs.jsonl gold.jsonl
    """
    root = open_project(context)
    from components.collecting.tasks import add_tasks

    rules, store = _rules(root), _store(root)
    done = [add_tasks(store, file, rules) for file in files]
    for result in done:
        print_added(result, as_json)
    if any(result.refused for result in done):
        next_step("mend the rows that were refused and add the file again", as_json=as_json)
        raise typer.Exit(REJECTED)
    next_step("`rlhf collect invite NAME...`, then `rlhf collect serve`", as_json=as_json)


@app.command()
def invite(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="As feedback calls the annotator.")],
    address: Address = None,
    end: Annotated[bool, typer.Option("--revoke", help="End their links and sessions instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print a link for each person. It is shown once: only a digest of it is kept.

    Whoever has the link judges under that name. To invite somebody again ends the link they had.

    \b
    rlhf collect invite ann bob
    rlhf collect invite ann --address https://judge.example.org
    rlhf collect invite bob --revoke
    """
    root = open_project(context)
    from components.collecting.people import check_name, revoke

    store = _store(root)
    for name in names:
        check_name(name)
    if end:
        for name in names:
            revoke(store, name)
            print_line({"annotator": name, "revoked": True}, f"{name}: the link works no longer", as_json)
        next_step("what they judged stays; `rlhf collect status` shows it", as_json=as_json)
        return
    _invite(root, names, address, as_json)
    next_step("send each person their own link, and `rlhf collect serve`", as_json=as_json)


@app.command()
def serve(
    context: typer.Context,
    host: Annotated[
        str,
        typer.Option(
            help="To listen at. Beyond loopback put a proxy in front: idle connections would keep others out."
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Instead of collect.port; 0: any that is free.")
    ] = None,
    address: Address = None,
    as_json: AsJson = False,
) -> None:
    """Show the page until Ctrl-C or SIGTERM. What was acknowledged is on the disk, however the server ends.

    There is no HTTPS: for people on other machines put a proxy in front that speaks it, and say under which
    address they open it.

    \b
    rlhf collect serve
    rlhf collect serve --address https://judge.example.org
    rlhf collect serve --host 0.0.0.0 --address http://lab-7:4300
    """
    root = open_project(context)
    from components.config import load_params
    from flows.web.addresses import addresses_of, is_loopback
    from flows.web.server import listen
    from flows.web.server import serve as answer

    if not is_loopback(host):
        note(
            f"warning: everybody who reaches {host} can open this page, and links travel unencrypted",
            "yellow",
        )
    usual = load_params(root / "params.yaml").collect.port
    listener = listen(host, usual if port is None else port, "collect.port")
    at = listener.getsockname()[1]
    addresses = addresses_of(host, at, address)
    page = _page(root, addresses)
    shown = f"http://127.0.0.1:{at}" if f"http://127.0.0.1:{at}" in addresses else min(addresses)
    print_line({"address": shown, "port": at}, f"people judge at {shown}", as_json)
    next_step("people open their links (`rlhf collect invite NAME`); Ctrl-C ends the page", as_json=True)
    answer(page, listener)


@app.command()
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """How far the judging is, and who does it with how much care.

    \b
    rlhf collect status
    """
    root = open_project(context)
    from components.collecting.progress import status_of
    from components.config import load_params

    figures = status_of(_store(root), load_params(root / "params.yaml").collect.votes)
    typer.echo(json.dumps(figures)) if as_json else print_status(figures)
    what = "`rlhf collect export --to-inbox`" if figures["to_export"] else "`rlhf collect serve`"
    next_step(what, as_json=as_json)


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
    """Write what people said as files that `rlhf ingest` takes, each judgement once.

    Pairs go to FILE; improved answers and stars to FILE with .edits and .ratings in its name. From then on these
    judgements are final. A file that is there already is not replaced.

    \b
    rlhf collect export judgements.jsonl
    rlhf collect export --to-inbox
    """
    root = open_project(context)
    from components.config import load_params
    from flows.collect.writing import write_export, write_to_inbox

    if (file is None) != to_inbox or (file is not None and file.suffix != ".jsonl"):
        raise typer.BadParameter("give a file that ends in .jsonl, or --to-inbox", param_hint="FILE")
    if file is None:
        written = write_to_inbox(
            root, root / load_params(root / "params.yaml").schedule.inbox, everything=everything
        )
    else:
        written = write_export(root, file.resolve(), everything=everything)
    for path, rows in written.items():
        print_line({"file": str(path), "rows": rows}, f"{path}: {rows} rows", as_json)
    _after_export([str(path) for path in written], to_inbox, as_json)


def _after_export(written: list[str], to_inbox: bool, as_json: bool) -> None:
    if not written:
        note("nothing new was judged; --all writes again what was exported before", "yellow")
        next_step("`rlhf collect status`", as_json=as_json)
    elif to_inbox:
        next_step("`rlhf serve` takes the inbox in by itself", as_json=as_json)
    else:
        next_step(f"`rlhf ingest {' '.join(written)}`", as_json=as_json)


def _store(root: Path) -> Any:
    from components.collecting.store import DATABASE, Store

    return Store(root / DATABASE)


def _rules(root: Path) -> Any:
    from components.config import load_params
    from components.feedback.rules import Rules

    return Rules.of(load_params(root / "params.yaml").feedback, root)


def _page(root: Path, addresses: frozenset[str]) -> Any:
    from components.collecting.assignment import Plan
    from components.config import load_params
    from flows.collect.app import Collecting, make_app

    params = load_params(root / "params.yaml")
    plan = Plan(params.seed, params.collect.votes, params.collect.gold_share)
    return make_app(Collecting(_store(root), plan, _rules(root), addresses, params.collect.language))


def _invite(root: Path, names: list[str], address: str | None, as_json: bool) -> None:
    from components.collecting.people import invite as invited
    from components.config import load_params
    from flows.web.addresses import checked_address

    base = checked_address(address or f"http://127.0.0.1:{load_params(root / 'params.yaml').collect.port}")
    for name in names:
        found = invited(_store(root), name)
        link = f"{base}/join/{found.token}"
        print_line({"annotator": name, "link": link, "renewed": found.renewed}, f"{name}: {link}", as_json)
        if found.renewed:
            note(f"{name}'s link from before works no longer", "yellow")
