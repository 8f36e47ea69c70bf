"""What the harness's names of precisions mean here."""

from __future__ import annotations

import torch

from benchmarks.worker import Spec
from components.training.learner import Compute

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def compute_of(spec: Spec) -> Compute:
    return Compute(dtype=DTYPES[spec.precision])
