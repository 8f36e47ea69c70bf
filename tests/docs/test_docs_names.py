"""Every path and every key of params.yaml that is written anywhere is there."""

from __future__ import annotations

import re
import subprocess
from functools import cache

import pytest
import yaml
from docs_texts import PAGES, ROOT, TEXTS, blocks, inline, rlhf_words, shell_lines

from benchmarks.quarter.project import WRITTEN
from components.config import Params
from docs.parameters import sections

#: Top folders of the repository, and of what it makes.
FOLDERS = "benchmarks|components|data|deploy|docs|flows|models|reports|tests|[.]rlhf|[.]dvc"
PATH = re.compile(
    rf"^(?:{FOLDERS})/[\w./-]*$|^(?:README|Makefile|params|dvc|constraints|pyproject)(?:[.]\w+)?$"
)
#: What a dotted word ends with where it is a file, an address, or a word of another program.
NO_KEY = re.compile(
    r"[.](?:md|html|ya?ml|jsonl?|py|csv|css|svg|db|lock|sha256|service|safetensors|toml|ini|com|org)$"
)
SECTIONS = dict(sections()) | {"": Params}
KEY = re.compile(r"^[a-z_]+(?:[.][a-z_0-9]+)+$")


def is_there(path: str) -> bool:
    """In the repository, or made by it: then git ignores it, and the code names its last part."""
    if (ROOT / path).exists():
        return True
    command = ["git", "check-ignore", path, f"{path.rstrip('/')}/"]
    ignored = path in WRITTEN or subprocess.run(command, cwd=ROOT, capture_output=True).returncode == 0
    last = path.rstrip("/").rpartition("/")[2]
    return ignored and (last in code() or last.split(".")[0] in ("BATCH", *known_batches()))


@cache
def code() -> str:
    sources = [
        *ROOT.glob("components/**/*.py"),
        *ROOT.glob("flows/**/*.py"),
        ROOT / "dvc.yaml",
        ROOT / "params.yaml",
    ]
    return "\n".join(path.read_text("utf-8") for path in sources)


def known_batches() -> tuple[str, ...]:
    """What the tutorial calls by name; tests/docs/test_docs_tutorial.py holds it against what ingestion says."""
    return ("week-3-comparisons-3b576b20",)


def is_key(name: str) -> bool:
    section, _, key = name.rpartition(".")
    return section in SECTIONS and key in SECTIONS[section].model_fields


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_path_is_there(path):
    said = {said.what for said in inline(path) if PATH.match(said.what)}
    said |= {
        word for line in shell_lines(path) for word in rlhf_words(line) or () if word.startswith("data/")
    }
    missing = [name for name in said if not (is_there(name) or any(ROOT.glob(name)))]
    # A text may speak of what lies beside it.
    assert [name for name in missing if not (path.parent / name).exists()] == []


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_key_is_one(path):
    words = {said.what.partition(":")[0] for said in inline(path)}
    dotted = {word for word in words if KEY.match(word) and not NO_KEY.search(word)}
    keys = {word for word in dotted if word.split(".")[0] in Params.model_fields or path in PAGES}
    assert {key for key in keys if not is_key(key)} == set()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_yaml_that_is_shown_may_stand_in_the_file(path):
    shipped = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))
    for block in blocks(path, "yaml"):
        changes = yaml.safe_load(block)
        assert changes.keys() <= shipped.keys()
        changed = {name: shipped[name] | value for name, value in changes.items()}
        Params.model_validate(shipped | changed)


def test_wrong_ones_are_found():
    assert is_there("components/objectives/kl.py")
    assert is_there("reports/report.html")
    assert not is_there("components/objectives/kll.py")
    assert not is_there("reports/raport.html")
    assert is_key("feedback.hold.poison_lift")
    assert not is_key("ppo.klcoef")
    assert not is_key("pop.kl_coef")
