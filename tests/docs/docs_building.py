"""`make docs`, as a test gives it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from docs_texts import ROOT


def build(project: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """The site of `project` in another folder than its own."""
    options = ["--strict", "--config-file", "docs/mkdocs.yml", "--site-dir", str(site)]
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", *options],
        cwd=project,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
