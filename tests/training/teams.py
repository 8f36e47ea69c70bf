"""Two processes that divide a model, forked from one that has imported the heavy libraries; any of them can die."""

import json
import multiprocessing
import os
import socket
import sys
from multiprocessing.connection import wait
from pathlib import Path

import torch
from safetensors.torch import save_file
from training.deaths import Death, die_at
from training.resume_cases import SEED, Case, RandomLog, train

from components.errors import RlhfError
from components.modeling.adapters import Adapters
from components.training.checkpoints import Checkpoints
from components.training.learner import Compute
from components.training.run import Run
from components.training.sharding import ShardedWeights
from components.training.workers import join_workers


def run_team(
    case: Case, base: Path, home: Path, death: Death | None = None, short_of_memory=None
) -> list[int]:
    """Run `case` to its end, or until one process dies: then the other is ended, as torchrun does.

    Args:
        death: of the process that writes; short_of_memory: the process that has too little.

    Returns:
        the exit codes.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "accelerate.utils", "components.training.policy"])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    team = [
        context.Process(
            target=_main,
            args=(rank, port, case, base, home, None if rank else death, rank == short_of_memory),
        )
        for rank in (0, 1)
    ]
    for process in team:
        process.start()
    running = list(team)
    while running:
        ended = wait([process.sentinel for process in running], timeout=120)
        running = [process for process in running if process.sentinel not in ended]
        if not ended or any(process.exitcode for process in team if process not in running):
            for process in running:
                process.kill()
    for process in team:
        process.join()
    return [process.exitcode for process in team]


def _main(rank, port, case, base, home, death, short_of_memory) -> None:
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.set_num_threads(1)
    home.mkdir(exist_ok=True)
    if death is not None:
        die_at(death)
    if short_of_memory:
        _run_out_of_memory()
    said = (home / f"said-{rank}.txt").open("a", buffering=1)
    try:
        _run(case, base, home, lambda text: print(text, file=said))
    except RlhfError as error:
        print(f"{error.message}; {error.remedy}", file=said)
        sys.exit(1)


def _run(case: Case, base: Path, home: Path, say) -> None:
    workers = join_workers()
    adapters = Adapters(case.rank, 2.0 * case.rank) if case.rank else None
    compute = Compute(getattr(torch, case.dtype), 40, workers, adapters=adapters, sharded=True)
    run = Run(SEED, RandomLog(), compute, Checkpoints(home / "checkpoints", seconds=0, say=say))
    run.checkpoints.gather_from(workers)
    if not run.leads:
        run.checkpoints.only_read()
    models = train(case, base, run)
    if run.leads:
        weights = {f"{i}/{n}": w for i, m in enumerate(models) for n, w in m.state_dict().items()}
        save_file({name: weight.clone() for name, weight in weights.items()}, home / "final.safetensors")
        (home / "rows.json").write_text(json.dumps(run.log.rows))


def _run_out_of_memory() -> None:
    def fail(self, loss, part):
        raise torch.OutOfMemoryError("tried to allocate 2.00 GiB")

    ShardedWeights.figures = fail
