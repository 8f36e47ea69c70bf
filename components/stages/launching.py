"""Training stages in as many processes as params.yaml asks for."""

from __future__ import annotations

from collections.abc import Callable

from components.config import load_params
from components.errors import ModelError, StageFailedError, StoppedError
from components.stages.ending import STOPPED, end_after_step_when_told
from components.stages.running import run_stage
from components.training.microbatches import is_out_of_memory
from components.training.torchrun import be_launcher, is_one_of_several
from components.training.workers import join_workers

_AGAIN = "start it again: it goes on from its newest checkpoint"


def run_training_stage(main: Callable[[], None], stage: str) -> None:
    """Run a stage's main here, or under torchrun in `train.num_processes` processes."""
    if is_one_of_several():
        workers = join_workers()
        run_stage(lambda: _train(main), f"{stage}-{workers.rank}")
    else:
        run_stage(lambda: _start(main, stage), stage)


def _start(main: Callable[[], None], stage: str) -> None:
    processes = load_params().train.num_processes
    if processes == 1:
        # Before any model is moved: this is what finds the GPU.
        join_workers()
        _train(main)
    else:
        _launch(stage, processes)


def _train(main: Callable[[], None]) -> None:
    end_after_step_when_told()
    try:
        main()
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise ModelError(
            f"out of memory: {error}",
            "set train.microbatch_tokens lower in params.yaml, or train.gradient_checkpointing to true",
        ) from None


def _launch(stage: str, processes: int) -> None:
    """torchrun in this very process: who tells it to end tells each of the others once."""
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import parse_args, run

    # --standalone: the processes meet on a free port of the loopback interface.
    be_launcher()
    words = ["--standalone", "--nproc-per-node", str(processes), "-m", f"components.stages.{stage}"]
    try:
        run(parse_args(words))  # type: ignore[no-untyped-call]
    except SignalException:
        raise StoppedError(f"{stage} was told to end", _AGAIN) from None
    except ChildFailedError as error:
        if {failure.exitcode for failure in error.failures.values()} == {STOPPED}:
            raise StoppedError(
                f"{stage} was told to end in one of its {processes} processes", _AGAIN
            ) from None
        raise StageFailedError(
            f"{stage} failed in one of its {processes} processes", "its own message stands above"
        ) from None
