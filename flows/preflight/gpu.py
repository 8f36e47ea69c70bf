"""Whether torch can use the GPU that is there."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from components.config.servers import ServersParams
from flows.preflight.findings import Finding, ok, warning

_CARDS_S, _ASK_S = 30.0, 120.0
_QUESTION = (
    "import torch; fits = torch.cuda.is_available(); "
    "fits and torch.zeros(1, device='cuda').add_(1).item(); "
    "print(torch.__version__, torch.version.cuda, fits, sep='|')"
)


def check_gpu(_root: Path, _servers: ServersParams) -> Iterator[Finding]:
    cards = _cards()
    if not cards:
        yield ok("GPU", "none is here: stages run on the CPU, unless a work pool places them elsewhere")
        return
    # In a process of its own: torch takes seconds to load, and a build that does not fit may bring it down.
    command = [sys.executable, "-c", _QUESTION]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_ASK_S)
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    last = lines[-1] if lines else f"it ended with status {done.returncode}"
    if done.returncode == 0 and last.endswith("|True"):
        version, cuda, _ = last.split("|")
        yield ok("GPU", f"{cards}; torch {version} computes on it with CUDA {cuda}")
    else:
        yield warning(
            "GPU",
            f"{cards}, but torch cannot use it ({last}): stages run on the CPU",
            "install torch's CUDA build for this driver (pytorch.org), then `pip install -e . -c constraints.txt`",
        )


def _cards() -> str:
    """What NVIDIA's driver tells of; "" where there is none."""
    if shutil.which("nvidia-smi") is None:
        return ""
    command = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_CARDS_S)
    return "; ".join(done.stdout.strip().splitlines()) if done.returncode == 0 else ""
