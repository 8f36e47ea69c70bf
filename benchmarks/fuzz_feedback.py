"""Mutated rows of every format in every packing, ingested: no exception, and no row that is not accounted for.

    python -m benchmarks.fuzz_feedback --rows 1000000 --processes 2

Rows of a format come in files that overlap, into one store: there are repeats and ids that are known already. Beside
them small files with bytes changed at random. Each result is held against what lies on disk then. A file that breaks
a promise is kept in --keep, and named with the promise at the end; the exit status is 1 then.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import sys
import tempfile
import textwrap
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from benchmarks.hostile.lines import spoiled
from benchmarks.hostile.packings import PACKINGS
from benchmarks.hostile.rows import SOUND, format_of
from benchmarks.table import aligned
from components.feedback import ratio, store
from components.feedback.ingestion import ingest_file
from components.feedback.manifest import IngestResult

#: Of each packing; with a few rows, so that a changed byte matters.
SPOILED_FILES, SPOILED_ROWS = 5, 30
#: A file begins with so many of the rows, of ten, that the one before ended with.
OVERLAP = 1


@dataclass
class Outcome:
    """What became of a format's files.

    Attributes:
        reasons: of quarantined rows; refused: of whole files, by code; failures: promises that were broken.
    """

    name: str
    files: int = 0
    read: int = 0
    accepted: int = 0
    quarantined: int = 0
    duplicates: int = 0
    seconds: float = 0.0
    reasons: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def add(self, result: IngestResult, seconds: float) -> None:
        self.files += 1
        if result.status == "already_ingested":
            return
        self.seconds += seconds
        for name in ("read", "accepted", "quarantined", "duplicates"):
            setattr(self, name, getattr(self, name) + getattr(result, name))
        if result.status == "rejected":
            # Its own reason stands before those of its rows.
            self.refused[next(iter(result.reasons))] += 1
        else:
            self.reasons.update(result.reasons)


def main() -> None:
    options = _options()
    started = time.perf_counter()
    outcomes = sorted(_outcomes(options), key=lambda outcome: outcome.name)
    print("\n".join(_report(outcomes, time.perf_counter() - started)))
    if options.out:
        options.out.write_text(json.dumps([vars(outcome) for outcome in outcomes], indent=2) + "\n")
    sys.exit(1 if any(outcome.failures for outcome in outcomes) else 0)


def _outcomes(options: argparse.Namespace) -> Iterator[Outcome]:
    rows = -(-options.rows // len(options.formats))
    # Started afresh: polars' threads do not survive a fork.
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.processes, fresh) as pool:
        tasks = [pool.submit(fuzzed, name, rows, options.seed, options.keep) for name in options.formats]
        for task in as_completed(tasks):
            outcome = task.result()
            print(f"{outcome.name}: {outcome.read:,} rows, {len(outcome.failures)} failures", file=sys.stderr)
            yield outcome


def fuzzed(name: str, rows: int, seed: int, keep: Path) -> Outcome:
    """The files of a format, ingested one after the other.

    Args:
        name: of SOUND; rows: in all its files, without the spoiled ones.
        keep: folder for files that broke a promise.
    """
    # Most rows are bad here: all the same each is to be judged by itself.
    ratio.MAX_BAD_SHARE = 1.0
    outcome = Outcome(name)
    with tempfile.TemporaryDirectory() as folder:
        for path in _files(Path(folder), name, rows, seed):
            _ingest(path, Path(folder) / "data", outcome, keep)
            path.unlink()
    return outcome


def _files(folder: Path, name: str, rows: int, seed: int) -> Iterator[Path]:
    count = -(-rows // len(PACKINGS))
    for number, (suffix, packing) in enumerate(PACKINGS.items()):
        rng = random.Random(f"{seed} {name} {suffix}")
        path = folder / f"fuzzed-{number}{suffix}"
        path.write_bytes(packing(rng, name, count, number * count * (10 - OVERLAP) // 10))
        yield path
        content = packing(rng, name, SPOILED_ROWS, 0)
        for place in range(SPOILED_FILES):
            path = folder / f"spoiled-{number}-{place}{suffix}"
            path.write_bytes(spoiled(rng, content))
            yield path


def _ingest(path: Path, root: Path, outcome: Outcome, keep: Path) -> None:
    started = time.perf_counter()
    try:
        result = ingest_file(path, root, format_of(outcome.name))
        outcome.add(result, time.perf_counter() - started)
        broken = list(broken_promises(root, result))
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - a panic of polars is no Exception
        broken = [traceback.format_exc()]
    if broken:
        keep.mkdir(parents=True, exist_ok=True)
        kept = keep / f"{outcome.name.replace(', ', '-')}-{path.name}"
        kept.write_bytes(path.read_bytes())
        outcome.failures += [f"{kept}: {what}" for what in broken]


def broken_promises(root: Path, result: IngestResult) -> Iterator[str]:
    """What the counts of a result say that is not so."""
    if result.read != result.accepted + result.quarantined + result.duplicates:
        yield f"read is not accepted + quarantined + duplicates: {result}"
    if result.status == "already_ingested":
        return
    if result.status not in ("accepted", "held"):
        if result.accepted or (result.status == "rejected" and not result.message):
            yield f"refused, and yet: {result}"
        return
    room = store.HELD if result.status == "held" else store.FEEDBACK
    kept = store.scan_rows(root / room / result.batch).select(pl.len()).collect().item()
    refused = root / store.QUARANTINE / result.batch / store.REFUSED
    entries = list(map(json.loads, refused.read_text("ascii").splitlines())) if refused.exists() else []
    if (kept, len(entries)) != (result.accepted, result.quarantined + result.duplicates):
        yield f"on disk are {kept} rows and {len(entries)} refused ones: {result}"
    codes = Counter(entry["reason"] for entry in entries) - Counter(DUPLICATE=result.duplicates)
    if codes != Counter(result.reasons):
        yield f"refused on disk are {codes}: {result}"


def _report(outcomes: list[Outcome], seconds: float) -> Iterator[str]:
    total = Outcome("all")
    for outcome in outcomes:
        for name in ("files", "read", "accepted", "quarantined", "duplicates", "seconds"):
            setattr(total, name, getattr(total, name) + getattr(outcome, name))
        total.refused += outcome.refused
    head = ["format", "files", "refused", "rows", "accepted", "quarantined", "duplicates", "rows/s"]
    yield from aligned([head, *map(_cells, [*outcomes, total])])
    for outcome in outcomes:
        codes = ", ".join(f"{code} {count:,}" for code, count in outcome.reasons.most_common())
        files = ", ".join(f"{code} {count:,}" for code, count in outcome.refused.most_common())
        yield textwrap.fill(
            f"{outcome.name}: rows {codes}; files {files or 'none'}", 110, subsequent_indent="  "
        )
    failures = [failure for outcome in outcomes for failure in outcome.failures]
    yield f"{total.read:,} rows in {seconds:.0f} s; {len(failures)} promises broken"
    yield from failures


def _cells(outcome: Outcome) -> list[str]:
    counts = (outcome.files, sum(outcome.refused.values()), outcome.read, outcome.accepted)
    more = (outcome.quarantined, outcome.duplicates, round(outcome.read / max(outcome.seconds, 1e-9)))
    return [outcome.name, *(f"{count:,}" for count in (*counts, *more))]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--formats", nargs="+", default=list(SOUND), choices=list(SOUND))
    parser.add_argument("--keep", type=Path, default=Path("fuzzed"))
    parser.add_argument("--out", type=Path, help="write what was found as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
