"""MLflow's server on the workspace's own database and artefacts, for `rlhf up`.

`python -m components.tracking.lasting_server ROOT HOST PORT [--login]`

Artefacts lie on this machine's disk and every client reads and writes them there: the experiment's location is a
`file:` one, as the embedded commands made it or would make it, and the server hands out no files of its own
(`--no-serve-artifacts`). So it is one store, whether a command speaks to the server or to the database.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from components.tracking.tracker import artifact_location, connect, embedded_uri
from components.workspace import STATE


def main(words: Sequence[str] | None = None) -> None:
    """Make what is missing (tables, experiment), then serve until a signal ends this process."""
    asked = _read(words)
    root = Path(asked.root)
    os.environ["MLFLOW_TRACKING_URI"] = embedded_uri(root)
    connect(root)
    if asked.login:
        # Its users, with their passwords' digests, lie where the process stands: nobody else's business.
        os.umask(0o077)
    os.chdir(root / STATE)
    from mlflow.cli import cli

    cli(["server", *_options(root, asked)])


def _read(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("root")
    parser.add_argument("host")
    parser.add_argument("port")
    parser.add_argument("--login", action="store_true")
    asked = parser.parse_args(words)
    # Relative to where the person stood.
    config = os.environ.get("MLFLOW_AUTH_CONFIG_PATH")
    if config:
        os.environ["MLFLOW_AUTH_CONFIG_PATH"] = str(Path(config).resolve())
    return asked


def _options(root: Path, asked: argparse.Namespace) -> list[str]:
    options = ["--host", asked.host, "--port", asked.port, "--workers", "1"]
    options += ["--backend-store-uri", embedded_uri(root)]
    options += ["--no-serve-artifacts", "--default-artifact-root", artifact_location(root)]
    # A line for each request would fill the log.
    options += ["--uvicorn-opts", "--log-level warning"]
    return [*options, "--app-name", "basic-auth"] if asked.login else options


if __name__ == "__main__":
    main()
