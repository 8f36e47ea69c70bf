"""The tutorial as a newcomer follows it: its cheap commands are given as they stand, and say what it says they say.

Ingestion by way of Prefect, training, promotion and asking are the same commands in tests/pipeline/test_end_to_end.py.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from collecting.collect_case import Near
from docs_texts import ROOT, blocks, shell_lines

from components.feedback.ingestion import ingest_file

ENGLISH, CHINESE = ROOT / "docs/pages/tutorial.md", ROOT / "docs/pages/zh/tutorial.md"
#: Lines that are left out here: they take minutes, stay until Ctrl-C, need a champion, or look at the whole machine.
LEFT_OUT = re.compile(
    r"^(make install|[.] .venv/bin/activate|rlhf (doctor|status|ingest|feedback release|retrain|verify|lineage|promote"
    r"|audit|generate|collect serve|up|down|rollback)\b.*)$",
    re.MULTILINE,
)
INGESTED = re.compile(
    r"^(data/samples/(\S+)): (\w+): (\d+) read, (\d+) accepted, (\d+) quarantined", re.MULTILINE
)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the two batches that the tutorial looks at."""
    folder = tmp_path_factory.mktemp("tutorial") / "project"
    shutil.copytree(ROOT / "data/samples", folder / "data/samples")
    (folder / ".dvc").mkdir()
    for name in ("params.yaml", "dvc.yaml", ".dvc/config"):
        shutil.copy(ROOT / name, folder / name)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="module")
def ingested(workspace: Path) -> dict[str, tuple[str, ...]]:
    """What became of each file that the tutorial shows: status and counts, as text."""
    found = {}
    for match in INGESTED.finditer("".join(blocks(ENGLISH, "text"))):
        result = ingest_file(workspace / match[1], workspace / "data")
        found[match[2]] = (result.status, *map(str, (result.read, result.accepted, result.quarantined)))
    return found


def test_ingestion_says_what_the_tutorial_shows(ingested):
    shown = {match[2]: match.groups()[2:] for match in INGESTED.finditer("".join(blocks(ENGLISH, "text")))}
    assert shown == ingested
    assert len(shown) == 2


def give(workspace: Path, script: str) -> str:
    """What shell lines print; those that are left out here are not given."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", LEFT_OUT.sub("", script)],
        cwd=workspace,
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_cheap_commands_work_as_they_stand(workspace, ingested):
    before, served, after = "".join(blocks(ENGLISH, "sh")).partition("rlhf collect serve\n")
    printed = give(workspace, before)
    # Six rows were broken on purpose, and somebody always says first.
    assert printed.count("week-2-comparisons.jsonl.gz line ") == 6
    assert 'said "first" on 100.0% of 174 pairs' in printed
    assert (workspace / "reports/feedback/week-3-comparisons-3b576b20.html").exists()
    assert "pairs.jsonl: 2 added" in printed
    [link] = re.findall(r"^ann: http://127.0.0.1:4300(/join/\S+)$", printed, re.MULTILINE)
    assert served
    ann = Near(workspace, link)
    for _ in range(2):
        assert ann.judge_as_shown("left").status_code == 200
    assert "judgements.jsonl: 2 rows" in give(workspace, after)
    result = ingest_file(workspace / "judgements.jsonl", workspace / "data")
    assert (result.status, result.accepted) == ("accepted", 2)


def test_what_is_given_here_is_most_of_what_there_is_to_give():
    given = LEFT_OUT.sub("", "\n".join(shell_lines(ENGLISH))).split("\n")
    assert {line.split(" ")[1] for line in given if line.startswith("rlhf")} == {
        "--help", "feedback", "collect",
    }  # fmt: skip


def test_the_batches_that_it_names_are_those_of_the_sample(workspace, ingested):
    names = set(re.findall(r"week-\d-\w+-[0-9a-f]{8}", ENGLISH.read_text("utf-8")))
    assert names == {"week-2-comparisons-1e660741", "week-3-comparisons-3b576b20"}
    accepted, held = workspace / "data/feedback", workspace / "data/held"
    assert (accepted / "week-2-comparisons-1e660741").exists()
    assert (held / "week-3-comparisons-3b576b20").exists()


def test_both_languages_give_the_same_commands_and_link_to_the_same_pages():
    assert shell_lines(CHINESE) == shell_lines(ENGLISH)
    assert blocks(CHINESE, "sh", "text") == blocks(ENGLISH, "sh", "text")
    link = re.compile(r"\]\((?:\.\./)?([a-z/.#-]+)\)")
    theirs = set(link.findall(CHINESE.read_text("utf-8")))
    ours = set(link.findall(ENGLISH.read_text("utf-8")))
    assert ours <= theirs | {"howto/data-engineer.md#a-batch-waits"}
    assert ENGLISH.read_text("utf-8").count("\n## ") == CHINESE.read_text("utf-8").count("\n## ") - 1
