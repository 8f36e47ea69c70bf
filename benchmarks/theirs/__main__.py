"""The process of TRL's side: `python -m benchmarks.theirs`, spoken to as benchmarks/worker.py says."""

from __future__ import annotations

from functools import partial
from importlib.metadata import version

from benchmarks.worker import load_job, serve


def trl_version() -> str:
    import trl

    return str(trl.__version__)


if __name__ == "__main__":
    serve(
        partial(load_job, "theirs"),
        {"trl": trl_version(), "torch": version("torch"), "transformers": version("transformers")},
    )
