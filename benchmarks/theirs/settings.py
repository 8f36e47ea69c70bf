"""What all of TRL's trainers are told: nothing is logged, evaluated or saved."""

from __future__ import annotations

import tempfile
from typing import Any

from benchmarks.worker import Spec


def arguments(spec: Spec, **more: Any) -> dict[str, Any]:
    """Training arguments. Activations are kept, which takes more memory and less time than TRL's default."""
    return {
        "output_dir": tempfile.gettempdir(),
        "use_cpu": True,
        "bf16": spec.precision == "bf16",
        "learning_rate": spec.learning_rate,
        "gradient_checkpointing": False,
        "report_to": "none",
        "save_strategy": "no",
        "eval_strategy": "no",
        "logging_strategy": "no",
        "disable_tqdm": True,
        "seed": spec.seed,
        **more,
    }
