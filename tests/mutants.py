"""Plants classic bugs of this field in a copy of the code, one by one: each must turn the tests red.

    python tests/mutants.py            # all
    python tests/mutants.py sign pad   # those whose names hold one of these words

Exits 1 where a bug survives, 2 where a bug cannot be planted because the code has changed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from planted_bugs import MUTANTS
from planted_math_bugs import Mutant

ROOT = Path(__file__).parents[1]
COPIED = ("components", "flows", "benchmarks", "tests", "params.yaml", "dvc.yaml", "pyproject.toml")


def main(words: list[str]) -> int:
    chosen = [m for m in MUTANTS if not words or any(word in m.name for word in words)]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder)
        _copy_project(copy)
        for tests in sorted({mutant.tests for mutant in chosen}):
            if _run_tests(copy, tests) is not None:
                print(f"{tests} are red before any bug is planted")
                return 2
        survivors = [mutant.name for mutant in chosen if not _is_noticed(copy, mutant)]
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} bugs turn the tests red")
    for name in survivors:
        print(f"SURVIVED: {name}")
    return 1 if survivors else 0


def _copy_project(copy: Path) -> None:
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / name)


def _is_noticed(copy: Path, mutant: Mutant) -> bool:
    path = copy / "components" / mutant.file
    text = path.read_text()
    if text.count(mutant.right) != 1:
        sys.exit(
            f"{mutant.name}: {mutant.file} holds {mutant.right!r} {text.count(mutant.right)} times, not once"
        )
    started = time.perf_counter()
    path.write_text(text.replace(mutant.right, mutant.wrong))
    try:
        witness = _run_tests(copy, mutant.tests)
    finally:
        path.write_text(text)
    seconds = time.perf_counter() - started
    print(f"{'red ' if witness else 'GREEN'} {seconds:5.1f} s  {mutant.name:45} {witness or ''}", flush=True)
    return witness is not None


def _run_tests(copy: Path, tests: str) -> str | None:
    """The first test that fails, or None where all pass."""
    run = subprocess.run(
        [
            sys.executable,
            "-B",
            "-m",
            "pytest",
            "-x",
            "-q",
            "-p",
            "no:cacheprovider",
            "--no-header",
            *tests.split(),
        ],
        cwd=copy,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{copy}:{copy / 'tests'}"},
    )
    if run.returncode == 0:
        return None
    failed = [line for line in run.stdout.splitlines() if line.startswith("FAILED ")]
    if run.returncode != 1 or not failed:
        sys.exit(f"{tests} did not run:\n{run.stdout[-2000:]}\n{run.stderr[-2000:]}")
    return failed[0].removeprefix("FAILED ").split(" - ")[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
