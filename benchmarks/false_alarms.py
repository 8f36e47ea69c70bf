"""How often each detector of faulty batches raises its voice about an honest one.

Batches of honest simulated votes, each with a seed of its own: what is found in them is chance. Small batches are where
chance is large, so they are of 30, 100 and 1,000 rows, beside a past of 5,000 rows of other prompts and without one.
Half of the pairs are judged by two or three people. Three crowds:

- the simulator's people without its spammer, of different diligence and skill: 60 % of their votes are for the longer
  answer, because longer answers do say more;
- five people as busy as one another;
- five people who also like length for its own sake, as people do: they take the longer one 68 % of the time.

Shares have Wilson's 95 % interval. CYCLE has no error level: it says that a circle is there.

Of 300 batches of each sort without a past, LENGTH_BIAS marked (crowds in this order, 30 and 100 rows) 0.0, 0.3, 0.7 %
and 0.0, 0.0, 0.0 %; nothing else was found in any.

    python -m benchmarks.false_alarms --batches 400
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.honest_feedback import HONEST, batch, frame
from benchmarks.table import aligned
from components.config.feedback import FeedbackParams
from components.feedback.quality.assess import assess
from components.feedback.quality.findings import Finding
from components.feedback.quality.proportions import wilson
from components.feedback.simulator.annotators import Annotator

PARAMS = FeedbackParams()
PAST_ROWS = 5000
#: Margin for each word that an answer is longer.
LIKING = 0.12
DETECTORS = (
    "SPAM",
    "DOMINANT",
    "SHIFT of labels",
    "SHIFT of lengths",
    "POISON in answers",
    "POISON in prompts",
    "AGREEMENT",
    "LENGTH_BIAS of the batch",
    "LENGTH_BIAS of somebody",
    "CYCLE",
)


def _five(length_liking: float = 0.0) -> Sequence[Annotator]:
    return [Annotator(f"p{n}", reliability=1.2, share=1, length_liking=length_liking) for n in range(5)]


CROWDS = {"simulator": HONEST, "equals": _five(), "length-likers": _five(LIKING)}


def main() -> None:
    options = _options()
    past = {"past": frame(batch(random.Random("past"), PAST_ROWS, past=True)), "no past": frame([])}
    results = [
        _measured(crowd, size, beside, past[beside], options.batches)
        for crowd in options.crowds
        for beside in options.beside
        for size in options.sizes
    ]
    print("\n".join(aligned(_table(results))))
    if options.out:
        options.out.write_text(json.dumps(results, indent=2) + "\n")


def detector(found: Finding) -> str:
    """Which of DETECTORS found it."""
    code, figures = str(found.code), found.figures
    if code == "SHIFT":
        return f"SHIFT of {figures['what']}"
    if code == "POISON":
        return f"POISON in {'prompts' if 'right' in figures else 'answers'}"
    if code == "LENGTH_BIAS":
        return f"LENGTH_BIAS of {'somebody' if 'annotator' in figures else 'the batch'}"
    return code


def _measured(crowd: str, size: int, beside: str, past: pl.LazyFrame, batches: int) -> dict[str, Any]:
    alarms: Counter[str] = Counter()
    longer = []
    for seed in range(batches):
        rows = batch(random.Random(f"{crowd} {size} {seed}"), size, CROWDS[crowd])
        quality = assess(frame(rows), past, PARAMS)
        alarms.update({detector(found) for found in quality.findings})
        alarms["any"] += bool(quality.findings)
        longer.append(quality.figures["length"]["longer"])
    print(f"{crowd}, {size} rows, {beside}: {dict(alarms)}", flush=True)
    mean = sum(longer) / len(longer)
    return {
        "crowd": crowd,
        "rows": size,
        "beside": beside,
        "batches": batches,
        "longer": mean,
        "alarms": alarms,
    }


def _table(results: list[dict[str, Any]]) -> list[list[str]]:
    """A row for each detector, a column for each setting; at the end any of them, and how often longer answers win."""
    head = ["finding", *(f"{r['crowd']}, {r['rows']}, {r['beside']}" for r in results)]
    rows = [
        [name, *(_share(r["alarms"][name], r["batches"]) for r in results)] for name in (*DETECTORS, "any")
    ]
    return [head, *rows, ["longer wins", *(f"{r['longer']:.0%}" for r in results)]]


def _share(hits: int, batches: int) -> str:
    lower, upper = wilson(hits / batches, batches)
    return f"{hits / batches:.1%} ({lower:.1%}-{upper:.1%})"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batches", type=int, default=400, help="honest batches of each sort")
    parser.add_argument("--sizes", type=int, nargs="*", default=[30, 100, 1000], help="rows of a batch")
    parser.add_argument("--crowds", nargs="*", default=list(CROWDS), choices=list(CROWDS))
    parser.add_argument("--beside", nargs="*", default=["past", "no past"], choices=["past", "no past"])
    parser.add_argument("--out", type=Path, help="also write all figures as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
