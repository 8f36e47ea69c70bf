"""`rlhf simulate FOLDER`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.terminal import next_step, say


def command(
    folder: Annotated[Path, typer.Argument(file_okay=False, help="Where to write the files.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed writes the same files.")] = 7,
    pairs: Annotated[int, typer.Option(min=1, help="How many pairwise judgements.")] = 7000,
    demonstrations: Annotated[int, typer.Option(min=0, help="How many demonstrations.")] = 2000,
) -> None:
    """Write feedback by simulated annotators, to rehearse the loop before people are paid.

    \b
    rlhf simulate rehearsal --seed 11
    rlhf ingest rehearsal/*
    """
    from components.feedback.simulator import write_feedback

    for path in write_feedback(folder, seed, pairs, demonstrations):
        say(str(path))
    next_step(f"`rlhf ingest {folder}/*`")
