"""Files are read in blocks: where a block ends changes nothing, and memory does not grow with the file."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys

import polars as pl
import pytest
from batch_files import PAIR, Workspace, lines, pairs

from components.feedback import pool
from components.feedback.parsing import block, csv_rows, json_arrays, json_lines, parsed, streams
from components.feedback.parsing.envelope import examine

ROWS = [
    *pairs(3),
    PAIR | {"prompt": "Grüße, 世界 👋🏽", "chosen": "two\nlines"},
    {"broken": "row"},
    PAIR | {"prompt": 'quotes " and \\ and ]'},
]


def _csv(rows):
    header = "prompt,chosen,rejected\r\n"
    quoted = (
        ",".join(
            '"' + str(row.get(name, "")).replace('"', '""') + '"' for name in ("prompt", "chosen", "rejected")
        )
        for row in rows
    )
    return header + "\r\n".join(quoted)


def _records(path):
    with parsed(examine(path.name, path)) as file:
        blocks = list(file.blocks)
        return [(r.line, r.raw, dict(r.values), str(r.fault)) for each in blocks for r in each.records()]


@pytest.mark.parametrize("size", [3, 4, 7, 50, 51, 1000])
@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("b.jsonl", lambda rows: "\ufeff" + lines(rows).rstrip("\n")),
        ("b.jsonl", lambda rows: "".join(json.dumps(row, ensure_ascii=False) + "\r\n\n" for row in rows)),
        ("b.json", lambda rows: json.dumps(rows, indent=1, ensure_ascii=False) + "\n"),
        ("b.json", json.dumps),
        ("b.csv", lambda rows: "\ufeff" + _csv(rows)),
    ],
)
def test_where_a_block_ends_changes_nothing(workspace, monkeypatch, name, write, size):
    path = workspace.write(name, write(ROWS))
    whole = _records(path)
    assert len(whole) == len(ROWS)
    for module in (json_lines, json_arrays, csv_rows):
        monkeypatch.setattr(module, "BLOCK_BYTES", size)
    monkeypatch.setattr(block, "BLOCK_ROWS", 2)
    monkeypatch.setattr(json_lines, "_MOST_LINES", 2)
    assert _records(path) == whole


def test_gzip_is_unpacked_as_it_is_read(workspace, monkeypatch):
    path = workspace.write_gzip("b.jsonl.gz", lines(ROWS))
    plain = workspace.write("b.jsonl", lines(ROWS))
    monkeypatch.setattr(json_lines, "BLOCK_BYTES", 10)
    assert _records(path) == _records(plain)


def test_a_bomb_is_found_before_it_is_unpacked(workspace, monkeypatch):
    packed = gzip.compress(b'{"prompt": "' + b"a" * 50_000_000)
    path = workspace.write("b.jsonl.gz", packed)
    read = []
    original = streams.PlainStream._read
    monkeypatch.setattr(
        streams.PlainStream,
        "_read",
        lambda self, size: read.append(len(got := original(self, size))) or got,
    )
    assert workspace.ingest(path).reasons == {"BOMB": 1}
    assert sum(read) < 30_000_000


LONG = """
import resource, sys
from pathlib import Path
from components.feedback.ingestion import ingest_file
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
result = ingest_file(Path(sys.argv[1]), Path(sys.argv[2]) / "data")
print(result.reasons, result.accepted, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_a_line_of_100_megabytes_costs_that_line_and_no_memory(workspace):
    path = workspace.folder / "b.jsonl"
    with path.open("w") as file:
        file.write(json.dumps(PAIR) + '\n{"prompt": "')
        for _ in range(100):
            file.write("x" * 1_000_000)
        file.write('"}\n' + json.dumps(PAIR | {"prompt": "Next."}) + "\n")
    done = subprocess.run(
        [sys.executable, "-c", LONG, path, workspace.folder], capture_output=True, text=True, check=True
    )
    reasons, accepted, grown = done.stdout.rsplit(" ", 2)
    assert (reasons, accepted) == ("{'LINE_LONG': 1}", "2")
    # Megabytes: polars and its first tables are among them.
    assert int(grown) < 150


def test_a_long_line_that_is_not_utf8_is_told_with_its_number(workspace):
    path = workspace.write("b.jsonl", lines([PAIR]).encode() + b'{"a": "' + b"x" * 10_000_000 + b'\xff"}\n')
    result = workspace.ingest(path)
    assert result.reasons == {"ENCODING": 1}
    assert "line 2" in result.message


def test_a_small_file_does_not_become_a_large_one_in_memory(workspace):
    short = workspace.write("short.jsonl", (json.dumps(PAIR) + "\n") + "1\n" * 300_000)
    wide = workspace.folder / "wide.parquet"
    rows = [{**PAIR, "prompt": "x" * 200_000}] * 1024
    pl.DataFrame(rows).write_parquet(wide, row_group_size=1024, use_pyarrow=True)
    assert wide.stat().st_size < 1_000_000
    with parsed(examine("short.jsonl", short)) as file:
        assert [len(each.records()) for each in file.blocks][:4] == [65_536] * 4
    with parsed(examine("wide.parquet", wide)) as file:
        assert [each.batch.num_rows for each in file.blocks] == [64] * 16


def test_quotes_that_never_close_end_the_reading(workspace, monkeypatch):
    monkeypatch.setattr(csv_rows, "_MOST_CHARS", 1000)
    path = workspace.write("b.csv", _csv(pairs(2)) + '\r\n"' + "x\n" * 2000)
    result = workspace.ingest(path)
    assert result.reasons == {"TRUNCATED": 1}
    assert "line 4" in result.message


@pytest.mark.parametrize("name", ["b.jsonl", "b.json", "b.csv", "b.parquet"])
def test_several_processes_take_in_what_one_takes_in(workspace, monkeypatch, tmp_path, name):
    rows = [{**row, "annotator": f"ann-{number % 8}"} for number, row in enumerate(pairs(400))]
    rows += [rows[3], {**rows[5], "chosen": rows[5]["rejected"], "rejected": rows[5]["chosen"]}]
    write = {"b.jsonl": lines, "b.json": json.dumps, "b.csv": _csv}
    other = Workspace(tmp_path / "other")
    other.folder.mkdir()
    results = []
    for place in (workspace, other):
        path = (
            place.write_parquet(name, rows) if name == "b.parquet" else place.write(name, write[name](rows))
        )
        results.append(place.ingest(path))
        monkeypatch.setattr(pool, "POOL_BYTES", 0)
        monkeypatch.setattr(json_lines, "BLOCK_BYTES", 9_000)
        monkeypatch.setattr(block, "BLOCK_ROWS", 70)
        monkeypatch.setattr("components.feedback.parsing.parquet_rows.BLOCK_ROWS", 70)
    one, several = results
    assert (one.read, one.accepted, one.reasons) == (several.read, several.accepted, several.reasons)
    assert workspace.refused(one) == other.refused(several)
    assert workspace.rows(one).drop("batch").equals(other.rows(several).drop("batch"))
    assert len(workspace.manifest(one)["parts"]) == 1
    assert len(other.manifest(several)["parts"]) > 3


def test_elements_on_one_line_are_told_apart(workspace):
    rows = [{**row, "annotator": "ann"} for row in pairs(4)]
    result = workspace.ingest(workspace.write("b.json", json.dumps([*rows, rows[1], rows[1]])))
    assert (result.accepted, result.duplicates) == (4, 2)
    assert workspace.rows(result)["prompt"].to_list() == [row["prompt"] for row in rows]
