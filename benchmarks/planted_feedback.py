"""What is found of faults that were planted into honest feedback, and what is found where there is none.

Simulated batches of several sizes and parts of the real sets (where RLHF_REAL_FEEDBACK names their folder), each
with many seeds; the past is a batch of other prompts by the same people, or nothing. Recall: of batches with the
fault, the share with a finding that names it. False alarms: of honest batches, the share with any finding of the
code. Precision: of findings on as many honest batches as faulty ones. Intervals are Wilson's, 95 %.

    python -m benchmarks.planted_feedback --seeds 20 --sizes 500 2000 7000 --out planted.json
    python -m benchmarks.planted_feedback --only dominant --seeds 100 --honest 400 --sizes 30 50 100 200
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.faults import Fault, faults, poisons
from benchmarks.honest_feedback import Row, batch, frame, real
from benchmarks.table import aligned
from components.config.feedback import FeedbackParams
from components.feedback.quality.assess import assess
from components.feedback.quality.findings import Quality
from components.feedback.quality.proportions import wilson

#: The codes that hold a batch or mark it.
CODES = ("SPAM", "DOMINANT", "SHIFT", "POISON", "AGREEMENT", "LENGTH_BIAS", "CYCLE")
#: Real batches are parts of so many rows of a set, or all of it where it is smaller.
REAL_ROWS = 4000
REAL_SETS = ("ukpconvarg1.jsonl.gz", "pandalm.jsonl")
PARAMS = FeedbackParams()

Honest = Callable[[random.Random], list[Row]]


def main() -> None:
    options = _options()
    results = [
        _measured(name, honest, wanted, past, options.seeds, options.honest)
        for name, honest, planted, past in _settings(options)
        if (wanted := [fault for fault in planted if options.only in fault.name])
    ]
    if options.out:
        options.out.write_text(json.dumps(results, indent=2) + "\n")


def _settings(options: argparse.Namespace) -> Iterator[tuple[str, Honest, list[Fault], pl.LazyFrame]]:
    nothing = frame([])
    before = frame(batch(random.Random("past"), 5000, past=True))
    for size in options.sizes:
        yield f"simulated, {size} rows", _simulated(size), list(faults()), before
        yield f"simulated, {size} rows, no past", _simulated(size), poisons(), nothing
    for name in REAL_SETS:
        if rows := real(name):
            yield f"{name}, {min(REAL_ROWS, len(rows))} rows, no past", _part(rows), poisons(), nothing
    if rows := real(REAL_SETS[0]):
        own, other = _by_topic(rows)
        yield (
            f"{REAL_SETS[0]}, {min(REAL_ROWS, len(own))} rows, past of other topics",
            _part(own),
            poisons(),
            frame(other),
        )


def _simulated(size: int) -> Honest:
    return lambda rng: batch(rng, size)


def _part(rows: list[Row]) -> Honest:
    return lambda rng: copy.deepcopy(rng.sample(rows, min(REAL_ROWS, len(rows))))


def _by_topic(rows: list[Row]) -> list[list[Row]]:
    """The rows of every second prompt, and the others."""
    topics = {prompt: place for place, prompt in enumerate(sorted({row["prompt"] for row in rows}))}
    return [[row for row in rows if topics[row["prompt"]] % 2 == part] for part in (0, 1)]


def _measured(
    name: str, honest: Honest, planted: list[Fault], past: pl.LazyFrame, seeds: int, clean: int
) -> dict[str, Any]:
    started = time.perf_counter()
    alarms: Counter[str] = Counter()
    for seed in range(clean):
        quality = assess(frame(honest(random.Random(f"{name} {seed}"))), past, PARAMS)
        alarms.update({str(found.code) for found in quality.findings})
    seconds = (time.perf_counter() - started) / clean
    print(
        f"\n{name}: {clean} honest batches, {seconds:.2f} s each\nfalse alarms: {_alarms(alarms, clean)}",
        flush=True,
    )
    wrong = {code: alarms[code] / clean for code in CODES}
    rows = [_row(fault, honest, past, seeds, wrong) for fault in planted]
    print("\n".join(aligned([_HEAD, *map(_cells, rows)])), flush=True)
    return {"setting": name, "clean": clean, "seconds": seconds, "false_alarms": dict(alarms), "faults": rows}


def _row(
    fault: Fault, honest: Honest, past: pl.LazyFrame, seeds: int, wrong: dict[str, float]
) -> dict[str, Any]:
    hits = sum(fault.found(_planted(fault, honest, past, seed)) for seed in range(seeds))
    recall, alarm = hits / seeds, wrong[str(fault.code)]
    return {
        "fault": fault.name,
        "code": str(fault.code),
        "found": f"{hits} of {seeds}",
        "recall": recall,
        "recall_ci": wilson(recall, seeds),
        "precision": recall / (recall + alarm) if hits else None,
    }


def _planted(fault: Fault, honest: Honest, past: pl.LazyFrame, seed: int) -> Quality:
    rng = random.Random(f"{fault.name} {seed}")
    rows = honest(rng)
    fault.plant(rng, rows)
    return assess(frame(rows), past, PARAMS)


_HEAD = ["fault", "code", "found", "recall", "95 %", "precision"]


def _cells(row: dict[str, Any]) -> list[str]:
    lower, upper = row["recall_ci"]
    precision = "-" if row["precision"] is None else f"{row['precision']:.0%}"
    return [
        row["fault"],
        row["code"],
        row["found"],
        f"{row['recall']:.0%}",
        f"{lower:.0%}-{upper:.0%}",
        precision,
    ]


def _alarms(alarms: Counter[str], clean: int) -> str:
    upper = wilson(0.0, clean)[1]
    counts = ", ".join(f"{code} {alarms[code]}" for code in CODES)
    return f"{counts} of {clean} (none of {clean} is {upper:.0%} at most)"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=20, help="batches with each fault")
    parser.add_argument("--honest", type=int, default=50, help="batches without, for the false alarms")
    parser.add_argument(
        "--sizes", type=int, nargs="*", default=[500, 2000, 7000], help="rows of a simulated batch"
    )
    parser.add_argument("--only", default="", help="plant faults alone whose names hold this")
    parser.add_argument("--out", type=Path, help="also write all figures as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
