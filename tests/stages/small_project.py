"""The small project that tests of the stages share with the fault-injection suite."""

from benchmarks.fault_injection.small_project import (
    ROOT,
    SMALL,
    change_params,
    ingest_simulated,
    write_params,
)

__all__ = ["ROOT", "SMALL", "change_params", "ingest_simulated", "write_params"]
