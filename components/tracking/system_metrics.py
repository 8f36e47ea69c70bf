"""What a process and all that it started use of the machine, under MLflow's names of system metrics.

MLflow's own monitor tells of the whole machine, and ends at the first error of its server.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

import psutil

_MB = 1e6


class ProcessTree:
    """Samples a process and its descendants; without sound when they are gone.

    Args:
        pid: of the process.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._known: dict[int, psutil.Process] = {}
        self._gpus = _gpu_monitor()

    def sample(self) -> dict[str, float]:
        """Share of all cores since the last sample, resident memory with what processes share counted in each, GPUs."""
        cpu, memory = 0.0, 0.0
        for process in self._processes():
            with suppress(psutil.Error):
                cpu += process.cpu_percent()
                memory += process.memory_info().rss
        share = 100 * memory / psutil.virtual_memory().total
        figures = {
            "cpu_utilization_percentage": cpu / (os.cpu_count() or 1),
            "system_memory_usage_megabytes": memory / _MB,
            "system_memory_usage_percentage": share,
        }
        return figures | self._of_gpus()

    def _processes(self) -> list[psutil.Process]:
        """The same objects as before: each remembers how much it had used then."""
        try:
            parent = psutil.Process(self._pid)
            found = [parent, *parent.children(recursive=True)]
        except psutil.Error:
            found = []
        self._known = {each.pid: self._known.get(each.pid, each) for each in found}
        return list(self._known.values())

    def _of_gpus(self) -> dict[str, float]:
        """Of whole devices, whoever uses them."""
        if self._gpus is None:
            return {}
        self._gpus.collect_metrics()
        figures: dict[str, float] = self._gpus.aggregate_metrics()
        self._gpus.clear_metrics()
        return figures


def _gpu_monitor() -> Any | None:
    """MLflow's, where there are GPUs and NVIDIA's library (`pip install nvidia-ml-py`)."""
    from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor

    try:
        return GPUMonitor()
    except (ImportError, RuntimeError):
        return None
