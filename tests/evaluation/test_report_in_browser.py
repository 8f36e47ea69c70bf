"""The page in a real browser: nothing fires, nothing scrolls sideways on a phone, pictures load."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from pages.browser import FRAME, dump_dom, needs_browser
from report_case import hostile_samples, samples, verdict, write_page

pytestmark = needs_browser


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
