"""What a stage gives its training loop, from params.yaml."""

from __future__ import annotations

from dataclasses import replace

import torch

from components.config import Params, TrainParams
from components.modeling.adapters import Adapters
from components.modeling.device import computes_in_bfloat16
from components.stages.checkpointing import checkpoints_for
from components.stages.step_log import StepLog
from components.training.learner import Compute
from components.training.run import Run
from components.training.workers import join_workers


def start_run(stage: str, params: Params, seed: int, log: StepLog) -> Run:
    """A run that goes on from the stage's checkpoint where there is one."""
    compute = compute_from(params.train)
    run = Run(seed, log, compute, checkpoints_for(stage, params.checkpoints, compute.workers))
    if run.compute.sharded:
        run.checkpoints.gather_from(run.compute.workers)
    if not run.leads:
        log.mute()
        run.checkpoints.only_read()
    return run


def of_whole_model(run: Run) -> Run:
    """The same run with every weight learning, whatever params.yaml says of adapters."""
    return replace(run, compute=replace(run.compute, adapters=None))


def compute_from(train: TrainParams) -> Compute:
    """In what precision and portions this machine trains, and which of the weights."""
    workers = join_workers()
    bfloat16 = train.precision == "bf16" or (train.precision == "auto" and computes_in_bfloat16())
    return Compute(
        torch.bfloat16 if bfloat16 else torch.float32,
        None if train.microbatch_tokens == "auto" else train.microbatch_tokens,
        workers,
        adapters=Adapters(train.lora_rank, train.lora_alpha) if train.lora_rank else None,
        recompute=train.gradient_checkpointing,
        sharded=train.sharding == "full" and workers.size > 1,
    )
