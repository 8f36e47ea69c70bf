"""The page in a real browser: nothing fires, nothing scrolls sideways on a phone, pictures load."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from report_case import hostile_samples, samples, verdict, write_page

BROWSER = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium or google-chrome on PATH")

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


def test_no_injection_fires_even_without_the_content_policy(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    html = write_page(path, samples=hostile_samples(), steps={}, reliability={})
    bare = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html)
    assert bare != html
    path.write_text(bare, encoding="utf-8")
    dom = dump_dom(path, tmp_path / "profile")
    assert "<title>READY: candidate report</title>" in dom
    assert dom.count("<article") == len(hostile_samples())
    assert not re.search(r"<(script|img|svg|iframe|link)\b", dom)


def test_a_phone_does_not_scroll_sideways_and_every_picture_loads(tmp_path: Path) -> None:
    rows = samples(4)
    rows[0] = replace(rows[0], prompt="p" * 300, policy=replace(rows[0].policy, text="w" * 400))
    write_page(tmp_path / "report.html", samples=rows, verdict=verdict({"sequence_kl": 99.0}))
    (tmp_path / "frame.html").write_text(FRAME, encoding="utf-8")
    dom = dump_dom(tmp_path / "frame.html", tmp_path / "profile")
    assert re.search(r"<title>(.*?)</title>", dom)[1] == "beyond 0 loaded 7 of 7"  # type: ignore[index]
