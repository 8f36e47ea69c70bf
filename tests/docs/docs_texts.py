"""What the documentation says: its files, their shell blocks, and what stands in backticks."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs/pages").rglob("*.md"))
#: All that a person reads; the pages' commands are held to more than those of the other texts.
TEXTS = [*PAGES, ROOT / "README.md", *sorted(ROOT.glob("deploy/**/README.md"))]

_FENCE = re.compile(r"^```(?P<language>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")


class Said(NamedTuple):
    """Attributes: where: file, from the repository's root; what: as it stands there."""

    where: str
    what: str


def blocks(path: Path, *languages: str) -> list[str]:
    """Bodies of fenced blocks in one of the languages."""
    found = _FENCE.finditer(path.read_text("utf-8"))
    return [match["body"] for match in found if match["language"].strip() in languages]


def inline(path: Path) -> Iterator[Said]:
    """Everything in single backticks outside blocks."""
    text = _FENCE.sub("", path.read_text("utf-8"))
    for match in _INLINE.finditer(text):
        yield Said(str(path.relative_to(ROOT)), match[1])


def shell_lines(path: Path) -> list[str]:
    """Commands of the shell blocks, in order; what is written into a file between END and END is none."""
    body = re.sub(r"<<'END'\n.*?^END$", "", "".join(blocks(path, "sh", "")), flags=re.DOTALL | re.MULTILINE)
    body = body.replace("\\\n", " ")
    return [line for line in body.splitlines() if line.strip() and not line.startswith("#")]


def rlhf_words(line: str) -> list[str] | None:
    """The words after `rlhf` of a shell line, None where it calls something else."""
    words = shlex.split(line, comments=True)
    for stop in ("&", ">", "|"):
        words = words[: words.index(stop)] if stop in words else words
    while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
        words = words[1:]
    return words[1:] if words[:1] == ["rlhf"] else None
