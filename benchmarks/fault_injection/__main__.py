"""What dies, fills up, hangs or is damaged, and whether the next run carries on as if nothing had been.

    python -m benchmarks.fault_injection                    # all of it: hours on a busy machine
    python -m benchmarks.fault_injection --quick            # a few trials of everything
    python -m benchmarks.fault_injection --list
    python -m benchmarks.fault_injection --only SIGTERM --only "random times" --json out.json

Prints the table of violated invariants (I1 to I5), of the time until all was as before, and of training steps that had
to be made again. Exit status 1 where one was violated, or where a control, broken on purpose, was not found out.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.fault_injection.outcome import INVARIANTS, Fault, Outcome
from benchmarks.fault_injection.plan import FULL, QUICK, SHORT, Counts, Plan
from benchmarks.fault_injection.stages import open_bench
from benchmarks.fault_injection.table import as_text, row


def main() -> None:
    options = _options()
    # As an exception: what was mounted, started and written goes on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with ExitStack() as held:
        folder = held.enter_context(tempfile.TemporaryDirectory(prefix="faults-"))
        bench = held.enter_context(open_bench(Path(folder)))
        faults = Plan(bench, Path(folder), _counts(options), options.seed, held).faults()
        chosen = [fault for fault in faults if _is_wanted(fault.name, options.only)]
        if options.list:
            print("\n".join(fault.name for fault in faults))
            return
        results: dict[Fault, list[Outcome]] = {}
        for fault in chosen:
            results[fault] = _try(fault, Path(folder))
            _keep(results, options.json)
    _report(results)
    sys.exit(not all(is_good(fault, outcomes) for fault, outcomes in results.items()))


def _try(fault: Fault, home: Path) -> list[Outcome]:
    """All trials of a fault, each told as it ends."""
    if fault.cannot:
        print(f"{fault.name}: not tried: {fault.cannot}", flush=True)
        return []
    outcomes: list[Outcome] = []
    start = time.monotonic()
    # A control that cannot be tried is not found out.
    trials = iter(fault.trials(home))
    for outcome in trials if fault.is_control else _to_the_end(trials):
        outcomes.append(outcome)
        _tell(fault, outcome, len(outcomes), time.monotonic() - start)
    return outcomes


def _to_the_end(trials: Iterator[Outcome]) -> Iterator[Outcome]:
    """What a trial raises is a violation, too: hours of other faults are not lost for it."""
    try:
        yield from trials
    except Exception as error:
        traceback.print_exc()
        outcome = Outcome("not tried to its end")
        outcome.expect("I5", False, f"{type(error).__name__}: {error}")
        yield outcome


def _tell(fault: Fault, outcome: Outcome, number: int, seconds: float) -> None:
    said = (
        "; ".join(f"{invariant}: {how}" for invariant, how in outcome.violations) or "as if nothing had been"
    )
    print(f"[{seconds:6.1f} s] {fault.name} {number}: {outcome.trial}: {said}", flush=True)


def is_good(fault: Fault, outcomes: Sequence[Outcome]) -> bool:
    """No invariant was violated; of a control one was."""
    violated = any(outcome.violations for outcome in outcomes)
    return violated if fault.is_control else not violated


def _keep(results: dict[Fault, list[Outcome]], path: Path | None) -> None:
    """After each fault: a suite that is ended by hand has not been run in vain."""
    if path is not None:
        told = {fault.name: [asdict(outcome) for outcome in outcomes] for fault, outcomes in results.items()}
        path.write_text(json.dumps({"table": _rows(results), "trials": told}, indent=2) + "\n")


def _rows(results: dict[Fault, list[Outcome]]) -> list[dict[str, Any]]:
    return [row(fault.name, outcomes) for fault, outcomes in results.items() if outcomes]


def _report(results: dict[Fault, list[Outcome]]) -> None:
    print("\n" + as_text(_rows(results)))
    print("\n" + "\n".join(f"{name}: {what}" for name, what in INVARIANTS.items()))
    for fault, outcomes in results.items():
        if fault.is_control and not is_good(fault, outcomes):
            print(f"{fault.name}: NOT FOUND OUT: the suite does not see what is broken")


def _is_wanted(name: str, only: Sequence[str]) -> bool:
    return not only or any(words.lower() in name.lower() for words in only)


def _counts(options: argparse.Namespace) -> Counts:
    counts = SHORT if options.short else QUICK if options.quick else FULL
    return counts if options.kills is None else replace(counts, kills=options.kills)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a few trials of each fault")
    parser.add_argument("--short", action="store_true", help="of stages alone, fewer still")
    parser.add_argument("--only", action="append", default=[], help="faults with these words in their name")
    parser.add_argument("--kills", type=int, help="SIGKILLs of stages at random times")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--list", action="store_true", help="the names of all faults")
    parser.add_argument("--json", type=Path, help="also write every trial to this file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
