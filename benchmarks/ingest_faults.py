"""Ingestions that are killed, that meet, and that run out of disk: is every accepted row there, once?

    python -m benchmarks.ingest_faults                       # 200 kills, 20 processes with 100 batches, a full disk
    python -m benchmarks.ingest_faults --kills 20 --json out.json

A kill comes after a time drawn anew each time. The disk is a small tmpfs where this may be mounted; else a limit on how
long a file may grow stands in for it, and the table says so.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.ingest import write_pairs
from components.feedback import store
from components.feedback.ingestion import ingest_file

SEED = 7
KILLS, ROWS_A_FILE, TRIALS_A_WORKSPACE = 200, 2_000, 10
PROCESSES, BATCHES, ROWS_A_BATCH = 20, 100, 50
DISK_MB = 3
_INGEST = """
import sys
from pathlib import Path
from components.errors import RlhfError
from components.feedback.ingestion import ingest_file
print("started", flush=True)
try:
    for file in sys.argv[2:]:
        print(ingest_file(Path(file), Path(sys.argv[1])).status)
except RlhfError as error:
    print(f"error: {error.message}")
    print(f"remedy: {error.remedy}")
"""


def main() -> None:
    options = _options()
    found = {}
    for name, trial in (
        ("kills", lambda folder: kills(folder, options.kills)),
        ("meeting", lambda folder: meeting(folder, options.batches)),
        ("full disk", full_disk),
    ):
        with tempfile.TemporaryDirectory(prefix="ingest-faults-") as folder:
            found[name] = trial(Path(folder))
        print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in found[name].items()), flush=True)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    sys.exit(any(each["violations"] for each in found.values()))


def kills(folder: Path, count: int) -> dict[str, Any]:
    """Kill ingestions of new files at random times; then let each end. Rows must be there once, all of them."""
    dice = random.Random(SEED)
    longest = _seconds_of_one(folder / "unhurt")
    killed = violations = 0
    for number in range(count):
        place = folder / f"workspace-{number // TRIALS_A_WORKSPACE}"
        place.mkdir(exist_ok=True)
        file = place / f"file-{number}.jsonl"
        write_pairs(file, ROWS_A_FILE, seed=SEED + 1 + number)
        before = _rows(place)
        killed += _killed(place, file, dice.uniform(0, longest))
        between = _rows(place)
        result = ingest_file(file, place / "data")
        # Before its end there is nothing of the batch, or all of it.
        violations += between not in (before, before + result.accepted)
        violations += _rows(place) != before + result.accepted
        violations += result.read != ROWS_A_FILE or (place / "data" / "staging").exists()
    return {"trials": count, "killed while running": killed, "violations": violations}


def meeting(folder: Path, batches: int) -> dict[str, Any]:
    """Many processes, each given all files in an order of its own: each batch is taken in once."""
    files = [folder / f"file-{number}.jsonl" for number in range(batches)]
    for number, file in enumerate(files):
        write_pairs(file, ROWS_A_BATCH, seed=SEED + number)
    started = time.perf_counter()
    shuffled = [random.Random(number).sample(files, len(files)) for number in range(PROCESSES)]
    processes = [_start(folder, order) for order in shuffled]
    statuses = [status for process in processes for status in process.communicate()[0].split()[1:]]
    violations = statuses.count("accepted") != batches
    violations += len(statuses) != PROCESSES * batches
    violations += _rows(folder) != sum(each.accepted for each in store.accepted_manifests(folder / "data"))
    return {
        "processes": PROCESSES,
        "batches": batches,
        "accepted": statuses.count("accepted"),
        "seconds": round(time.perf_counter() - started, 1),
        "violations": int(violations),
    }


def full_disk(folder: Path) -> dict[str, Any]:
    """A batch larger than the disk: a clear error, the feedback as before, and room again for a small batch."""
    disk, mounted = folder / "disk", False
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(disk)]
    mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        violations, said = _fill(folder, disk, limited=not mounted)
    finally:
        if mounted:
            subprocess.run(["umount", str(disk)], check=True)
    return {
        "disk": f"tmpfs of {DISK_MB} MB" if mounted else "simulated",
        "said": said,
        "violations": violations,
    }


def _fill(folder: Path, disk: Path, limited: bool) -> tuple[int, str]:
    for name, rows, seed in (("first", 50, 1), ("large", 20_000, 2), ("last", 50, 3)):
        write_pairs(folder / f"{name}.jsonl", rows, seed=seed)
    first = ingest_file(folder / "first.jsonl", disk / "data").accepted
    limit = _limit_files if limited else None
    said = _start(disk, [folder / "large.jsonl"], limit).communicate()[0].splitlines()[1:]
    violations = sum(not any(line.startswith(word) for line in said) for word in ("error: ", "remedy: "))
    violations += _rows(disk) != first
    last = ingest_file(folder / "last.jsonl", disk / "data").accepted
    violations += _rows(disk) != first + last
    return violations, " ".join(said)


def _limit_files() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (DISK_MB << 20, DISK_MB << 20))


def _killed(place: Path, file: Path, after: float) -> bool:
    """Start an ingestion and kill it; whether it was still running."""
    process = _start(place, [file])
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(after)
    process.kill()
    return process.wait() == -signal.SIGKILL


def _seconds_of_one(place: Path) -> float:
    """How long an ingestion takes when nobody hurts it."""
    place.mkdir()
    file = place / "file.jsonl"
    write_pairs(file, ROWS_A_FILE)
    process = _start(place, [file])
    assert process.stdout is not None
    process.stdout.readline()
    started = time.perf_counter()
    process.wait()
    return time.perf_counter() - started


def _start(place: Path, files: Sequence[Path], before: Any = None) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _INGEST, str(place / "data"), *map(str, files)]
    environment = {**os.environ, "PYTHONPATH": "."}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, preexec_fn=before)


def _rows(place: Path) -> int:
    """Accepted rows, each batch held against its digests; none may be there twice."""
    digests = store.read_accepted(place / "data" / store.FEEDBACK)["digest"]
    assert digests.n_unique() == len(digests)
    return len(digests)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--batches", type=int, default=BATCHES)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
