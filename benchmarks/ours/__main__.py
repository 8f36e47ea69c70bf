"""The process of our side: `python -m benchmarks.ours`, spoken to as benchmarks/worker.py says."""

from __future__ import annotations

from importlib.metadata import version

from benchmarks.worker import Job, serve


def load(job: str) -> Job:
    if job == "ppo":
        from benchmarks.ours.ppo import run_ppo

        return run_ppo
    if job == "sampling":
        from benchmarks.ours.sampling import run_sampling

        return run_sampling
    from benchmarks.ours.training import TRAININGS

    return TRAININGS[job]


if __name__ == "__main__":
    serve(load, {"torch": version("torch"), "transformers": version("transformers")})
