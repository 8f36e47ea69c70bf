"""Whether the installed Prefect and MLflow know the databases that are there: a newer one cannot be read back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from components.config.servers import ServersParams
from components.workspace import STATE
from flows.preflight.findings import Finding, ok, problem, warning

_SCRIPTS = {
    "prefect": ("prefect/prefect.db", "server/database/_migrations/versions/sqlite"),
    "mlflow": ("mlflow.db", "store/db_migrations/versions"),
}


def check_databases(root: Path, _servers: ServersParams) -> Iterator[Finding]:
    for library, (file, scripts) in _SCRIPTS.items():
        path = root / STATE / file
        if path.exists():
            yield _check(library, path, scripts)


def _check(library: str, path: Path, scripts: str) -> Finding:
    name = f"{library}'s database"
    try:
        revision = _revision(path)
    except sqlite3.DatabaseError as error:
        if "locked" in str(error) or "busy" in str(error):
            return warning(
                name, f"{path}: {error}", "another process is making its tables: look again in a minute"
            )
        return problem(name, f"{path} cannot be read: {error}", "restore it from a backup, or move it away")
    if revision is None:
        return ok(name, f"{path} is new")
    if _knows(library, scripts, revision):
        return ok(name, f"{path} is at {revision}, which {library} {version(library)} knows")
    return problem(
        name,
        f"{path} is at {revision}, which {library} {version(library)} does not know: a newer one wrote it",
        f"install the {library} that wrote it, or restore the database from before",
    )


def _revision(path: Path) -> str | None:
    # Read-only: to look must neither make a file nor a table.
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=2.0)) as database:
        tables = database.execute("select name from sqlite_master where name = 'alembic_version'")
        if tables.fetchone() is None:
            return None
        row = database.execute("select version_num from alembic_version").fetchone()
        return str(row[0]) if row else None


def _knows(library: str, scripts: str, revision: str) -> bool:
    """Each step of a database bears its number in its file's name; the library itself need not be loaded."""
    spec = find_spec(library)
    folders = spec.submodule_search_locations if spec else None
    return any(list((Path(folder) / scripts).glob(f"*{revision}_*.py")) for folder in folders or ())
