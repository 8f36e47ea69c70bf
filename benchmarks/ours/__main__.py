"""The process of our side: `python -m benchmarks.ours`, spoken to as benchmarks/worker.py says."""

from __future__ import annotations

from functools import partial
from importlib.metadata import version

from benchmarks.worker import load_job, serve

if __name__ == "__main__":
    serve(partial(load_job, "ours"), {"torch": version("torch"), "transformers": version("transformers")})
