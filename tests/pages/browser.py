"""A real browser, for tests that look at a page in one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

BROWSER = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no chromium or google-chrome on PATH")

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--allow-file-access-from-files", "--virtual-time-budget=3000",
]  # fmt: skip

#: Looks at the report in a frame as wide as a phone, and writes what it measured into its own title.
FRAME = """<!doctype html><title></title>
<iframe src="report.html" style="width:400px;height:800px;border:0"></iframe>
<script>
addEventListener("load", () => {
  const page = frames[0].document, root = page.documentElement;
  const loaded = [...page.images].filter(image => image.complete && image.naturalWidth > 0).length;
  const boxes = [root, ...page.querySelectorAll(".scroll")];
  const beyond = Math.max(...boxes.map(box => box.scrollWidth - box.clientWidth));
  document.title = `beyond ${beyond} loaded ${loaded} of ${page.images.length}`;
});
</script>
"""


def dump_dom(path: Path, profile: Path) -> str:
    """The document as the browser holds it after all had time to run."""
    command = [str(BROWSER), *FLAGS, f"--user-data-dir={profile}", "--dump-dom", path.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
