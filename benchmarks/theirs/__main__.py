"""The process of TRL's side: `python -m benchmarks.theirs`, spoken to as benchmarks/worker.py says."""

from __future__ import annotations

from importlib.metadata import version

from benchmarks.worker import Job, serve


def load(job: str) -> Job:
    if job == "ppo":
        from benchmarks.theirs.ppo import run_ppo

        return run_ppo
    if job == "sampling":
        from benchmarks.theirs.sampling import run_sampling

        return run_sampling
    from benchmarks.theirs.training import TRAININGS

    return TRAININGS[job]


def trl_version() -> str:
    import trl

    return str(trl.__version__)


if __name__ == "__main__":
    serve(load, {"trl": trl_version(), "torch": version("torch"), "transformers": version("transformers")})
