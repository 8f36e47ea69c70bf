"""Laps of one group: every contestant once, then every contestant again, so that what slows the machine slows all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from benchmarks import data, flops
from benchmarks.plan import BATCH, EPOCHS, MINIBATCHES, Contestant, Group
from benchmarks.processes import Worker
from benchmarks.worker import Spec

SEED = 7
#: So small that the policy stays what it was: responses would grow or shrink with what each side learns, and with them
#: the work of a lap. What is learned in which time is what benchmarks/curves.py shows.
LEARNING_RATE = 1e-9
#: Which part of data.json a job reads.
_PART = {"reward_model": "pairs", "dpo": "pairs", "sft": "rows"}


def measure(group: Group, folder: Path, learning_rate: float = LEARNING_RATE) -> dict[str, Any]:
    """All counted laps of each contestant, by name; the first lap warms up and is left out.

    Args:
        folder: with the shape's models; data.json is written there.
    """
    content = _write_data(group, folder)
    laps: dict[str, list[dict[str, Any]]] = {contestant.name: [] for contestant in group.contestants}
    with ExitStack() as stack:
        workers = [stack.enter_context(closing(worker)) for worker in _workers(group, folder, learning_rate)]
        # All import at the same time, and none works before the last is ready.
        versions = {worker.contestant.name: worker.ready() for worker in workers}
        for number in range(1 + group.repeats):
            for worker in workers:
                lap = worker.lap(group.rows if number else group.warm_rows)
                if number:
                    laps[worker.contestant.name].append(completed(lap, group, worker.contestant, content))
    return {"job": group.job, "shape": group.shape.name, "laps": laps, "versions": versions}


def _write_data(group: Group, folder: Path) -> dict[str, Any]:
    prompts = group.rows * (1 + group.repeats)
    content = data.make_data(group.shape.vocab, prompts, group.rows, group.rows, SEED)
    (folder / "data.json").write_text(json.dumps(content))
    return content


def _workers(group: Group, folder: Path, learning_rate: float) -> Iterator[Worker]:
    for contestant in group.contestants:
        yield Worker(contestant, group, _spec(group, contestant, folder, learning_rate))


def _spec(group: Group, contestant: Contestant, folder: Path, learning_rate: float) -> Spec:
    return Spec(
        job=group.job,
        folder=str(folder),
        precision=contestant.precision,
        setting=contestant.setting,
        laps=1 + group.repeats,
        batch=BATCH,
        response_tokens=group.shape.response_tokens,
        rollouts=group.rows,
        epochs=EPOCHS,
        minibatches=MINIBATCHES,
        learning_rate=learning_rate,
        seed=SEED,
    )


def completed(
    lap: dict[str, Any], group: Group, contestant: Contestant, content: dict[str, Any]
) -> dict[str, Any]:
    """A lap with the tokens and the arithmetic it needed.

    Lengths are what was sampled, or else those of the data, and then both sides must have read just these.
    """
    lengths = lap.get("lengths")
    if lengths is None:
        rows = content[_PART[group.job]][: lap["rows"]]
        lengths = [pair for row in rows for pair in data.lengths(row)]
        _check(lap, contestant, {"tokens": sum(map(sum, lengths)), "updates": -(-len(rows) // BATCH)})
    elif group.job == "ppo":
        _check(lap, contestant, {"updates": EPOCHS * MINIBATCHES})
    shared = contestant.setting == "shared_trunk"
    return {
        **lap,
        "tokens": sum(map(sum, lengths)),
        "response_tokens": sum(response for _, response in lengths),
        "flops": flops.of_job(group.job, group.shape, lengths, EPOCHS, shared),
    }


def _check(lap: dict[str, Any], contestant: Contestant, due: dict[str, int]) -> None:
    for name, count in due.items():
        if lap[name] != count:
            raise AssertionError(f"{contestant.name} made {lap[name]} {name} in a lap of {count}")
