"""What every command does first: find the project, set the defaults, and start Prefect where a flow runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import typer

from flows.environment import find_root, prepare_environment


def open_project(context: typer.Context) -> Path:
    """The project's folder, with the variables set that its libraries read."""
    root = find_root(Path.cwd())
    prepare_environment(root, debug=bool(context.obj))
    return root


@contextmanager
def with_prefect(root: Path, *modules: str) -> Iterator[None]:
    """Prefect's API is there, once for the whole command, and gone after it.

    Args:
        modules: what the block is about to import; imported while the server starts.
    """
    from flows.server import prefect_api

    with prefect_api(root, meanwhile=lambda: _import(modules)):
        from flows.dead_runs import close_dead_runs

        close_dead_runs(root)
        yield


def _import(modules: Iterable[str]) -> None:
    for module in modules:
        import_module(module)
