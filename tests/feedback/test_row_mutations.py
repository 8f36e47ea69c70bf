"""Twenty thousand rows with something wrong in them: nothing is raised, nothing gets lost."""

from __future__ import annotations

import random

import pytest
from batch_files import Workspace

from benchmarks.hostile.lines import mutated_lines, spoiled
from benchmarks.hostile.rows import SOUND, format_of
from components.feedback import ratio
from components.feedback.readers.registry import READERS

ROWS = 20_000


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    # Most rows are bad here: all the same each is to be judged by itself.
    monkeypatch.setattr(ratio, "MAX_BAD_SHARE", 1.0)
    return Workspace(tmp_path)


def test_there_is_a_sound_row_of_every_format(workspace):
    assert {format_of(name) for name in SOUND} == set(READERS)
    for number, (name, row) in enumerate(SOUND.items()):
        kept = workspace.only_row(row(number))
        assert kept["source"] == ("pairwise" if name == "hh-rlhf, chats" else format_of(name))


@pytest.mark.parametrize("name", SOUND)
def test_mutated_rows_are_counted_one_by_one(workspace, name):
    lines = list(mutated_lines(random.Random(f"rows of {name}"), name, -(-ROWS // len(SOUND))))
    # The workspace checks that the counts add up and match what is on disk.
    result = workspace.ingest(workspace.write("batch.jsonl", "\n".join(lines)), format_of(name))
    assert result.status in ("accepted", "held"), result.message
    assert result.read == sum(bool(line.strip(" \t\r")) for line in lines)
    assert result.accepted > 0.1 * len(lines)
    assert result.quarantined > 0.3 * len(lines)
    assert len(result.reasons) > 10


@pytest.mark.parametrize("name", ["pairwise", "ranking", "thumbs"])
def test_spoiled_files_end_in_a_result(workspace, name):
    rng = random.Random(f"bytes of {name}")
    content = "\n".join(mutated_lines(rng, name, 5)).encode("utf-8")
    for _ in range(40):
        result = workspace.ingest(workspace.write("batch.jsonl", spoiled(rng, content)), name)
        assert result.status in ("accepted", "held", "rejected", "already_ingested")
