"""`rlhf collect to-argilla` and `to-label-studio`: the pairs to judge for those who have such a tool already."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.collect.telling import print_line
from flows.terminal import next_step
from flows.workspace import open_project

AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]


def to_argilla(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="To make.")],
    as_json: AsJson = False,
) -> None:
    """Write all pairs to judge as a folder that Argilla 2 imports: `rg.Dataset.from_disk("FOLDER")`.

    What people say there comes back by `dataset.records.to_json("FILE.json")` and `rlhf ingest FILE.json`, under the
    pairs' ids.

    \b
    rlhf collect to-argilla argilla-pairs
    """
    root = open_project(context)
    from flows.collect import elsewhere

    count = elsewhere.to_argilla(root, folder.resolve())
    print_line({"folder": str(folder), "pairs": count}, f"{folder}: {count} pairs", as_json)
    step = f'in Python `rg.Dataset.from_disk("{folder}")`; later `rlhf ingest` what `records.to_json` wrote'
    next_step(step, as_json=as_json)


def to_label_studio(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", dir_okay=False, help="To write: .json.")],
    as_json: AsJson = False,
) -> None:
    """Write all pairs to judge as tasks that Label Studio imports, and beside them its labelling configuration (.xml).

    Its Pairwise tag knows left and right and no tie. Answers to gold questions stand in the tasks' data, where
    annotators who may open the project's table see them. What people say comes back by its JSON export and
    `rlhf ingest`, under the pairs' ids.

    \b
    rlhf collect to-label-studio pairs.json
    """
    root = open_project(context)
    from flows.collect import elsewhere

    if file.suffix != ".json":
        raise typer.BadParameter("does not end in .json", param_hint="FILE")
    count, config = elsewhere.to_label_studio(root, file.resolve())
    told = {"file": str(file), "configuration": str(config), "pairs": count}
    print_line(told, f"{file}: {count} pairs; {config.name}: the labelling configuration", as_json)
    step = f"give a project the configuration in {config.name} and import {file}; later `rlhf ingest` its JSON export"
    next_step(step, as_json=as_json)
