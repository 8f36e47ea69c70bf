"""Every case of the catalogue for which a whole file is refused: its code, the file and place named, nothing kept."""

from __future__ import annotations

import gzip
import json
import pickle

import polars as pl
import pytest
from batch_files import PAIR, as_parquet, as_zip, lines, pairs

from benchmarks.hostile.texts import SECRETS
from components.feedback.ingestion import ingest_file
from components.feedback.parsing import streams

SOUND = lines(pairs(3)).encode()
PACKED = gzip.compress(SOUND, mtime=0)
ARRAY = json.dumps(pairs(3)).encode()
CSV = b"prompt,chosen,rejected\na,b,c\n"
TOKEN = SECRETS[12]


PARQUET = as_parquet(pairs(3))
BAD = [PAIR | {"prompt": f"{number}?", "chosen": ""} for number in range(5)]

#: Name, content, code, what the message says of the place.
CASES = [
    ("b.jsonl", SOUND + b'{"prompt": "caf\xe9"}\n', "ENCODING", "b.jsonl line 4 is not UTF-8 at its byte 16"),
    ("b.json", ARRAY[:-1] + b',\n{"\xe9": 1}]', "ENCODING", "b.json line 2 is not UTF-8 at its byte 3"),
    ("b.csv", CSV + b'd,"e\n\xe9",f\n', "ENCODING", "b.csv line 4 is not UTF-8 at its byte 1"),
    ("b.jsonl.gz", PACKED[:-20], "TRUNCATED", "b.jsonl.gz ends before its gzip stream does"),
    ("b.json", ARRAY[:-30], "TRUNCATED", "b.json ends inside its JSON array"),
    ("b.csv", CSV + b'"d,e,f\n', "TRUNCATED", "b.csv ends inside the quotes of a record that begins on line 3"),
    ("b.parquet", PARQUET[:-4], "TRUNCATED", "b.parquet lacks the end of a Parquet file"),
    ("b.jsonl.gz", gzip.compress(b" " * (17 << 20), mtime=0), "BOMB", "b.jsonl.gz expands to more than"),
    ("b.jsonl.gz", gzip.compress(PACKED, mtime=0), "ARCHIVE", "b.jsonl.gz holds an archive"),
    ("b.jsonl", as_zip(SOUND), "ARCHIVE", "b.jsonl holds an archive"),
    ("b.jsonl", b"", "EMPTY", "b.jsonl is empty"),
    ("b.csv", b"prompt,chosen,rejected\n", "EMPTY", "b.csv holds no rows"),
    ("b.parquet", as_parquet(pl.DataFrame(pairs(1)).clear()), "EMPTY", "b.parquet holds no rows"),
    ("b.csv", b"prompt,chosen\na,b\n", "MISSING_COL", "b.csv has the columns chosen, prompt; the nearest format"),
    ("b.jsonl", b'{"question": "q"}\n', "MISSING_COL", "b.jsonl has the columns question; the nearest format, "),
    ("b.jsonl", lines([*pairs(3), PAIR | {"schema_version": 9}]), "SCHEMA_VER", "b.jsonl line 4: schema_version is"),
    ("b.csv", b"schema_version," + CSV.replace(b"\na", b"\n9,a"), "SCHEMA_VER", "b.csv line 2: schema_version is"),
    ("b%2e%2e.jsonl", SOUND, "PATH", "the name 'b%2e%2e.jsonl' holds a piece of a path"),
    ("b.csv", PARQUET, "MAGIC", "b.csv holds Parquet"),
    ("b.parquet", SOUND, "MAGIC", "b.parquet is not Parquet"),
    ("b.jsonl", PACKED, "MAGIC", "b.jsonl holds gzip but does not end in .gz"),
    ("b.csv", SOUND, "MAGIC", "b.csv begins like JSON"),
    ("b.jsonl", pickle.dumps([PAIR]), "PICKLE", "b.jsonl holds a pickle"),
    ("b.jsonl.gz", gzip.compress(pickle.dumps([PAIR]), mtime=0), "PICKLE", "b.jsonl.gz holds a pickle"),
    ("b.jsonl", lines([*pairs(16), *BAD]), "BAD_RATIO", "b.jsonl: 5 of 21 rows cannot be accepted (EMPTY_RESP 5); the "
     "first is line 17: chosen: is empty"),
    ("b.jsonl", lines([*pairs(3), PAIR | {"rejected": TOKEN}]), "SECRET", "b.jsonl line 4: rejected: holds what has"),
    ("b.json", json.dumps([*pairs(1), PAIR | {"note": TOKEN}], indent=0), "SECRET", "b.json line 7: meta: holds what"),
    ("b.csv", CSV + f"d,e,{TOKEN}\n".encode(), "SECRET", "b.csv line 3: rejected: holds what has the shape"),
    ("b.parquet", as_parquet([PAIR, PAIR | {"chosen": TOKEN}]), "SECRET", "b.parquet row 2: chosen: holds what has"),
]  # fmt: skip


def _nothing_is_kept(workspace, result, code):
    assert (result.status, result.accepted) == ("rejected", 0)
    assert next(iter(result.reasons)) == code
    assert result.remedy
    (folder,) = (workspace.root / "quarantine").iterdir()
    assert [path.name for path in folder.iterdir()] == ["manifest.json"]
    assert workspace.manifest(result, "quarantine")["message"] == result.message
    assert not (workspace.root / "feedback").exists()
    assert TOKEN not in json.dumps(workspace.manifest(result, "quarantine"))


@pytest.mark.parametrize(("name", "content", "code", "told"), CASES)
def test_a_file_that_is_refused(workspace, name, content, code, told):
    result = workspace.ingest(workspace.write(name, content))
    _nothing_is_kept(workspace, result, code)
    assert result.message.startswith(told)


@pytest.mark.parametrize(
    ("said", "code", "told"),
    [
        ({"rows": 4}, "DIGEST", "b.jsonl has 3 rows, declared are 4"),
        ({"sha256": "0" * 64}, "DIGEST", "b.jsonl has the SHA-256 "),
        ({"schema_version": 9}, "SCHEMA_VER", "b.jsonl.declared.json: schema_version is '9', expected 1"),
        ({"batch": "../x"}, "PATH", "b.jsonl.declared.json: the name '../x' leads elsewhere"),
        ({"batch": "/x"}, "PATH", "b.jsonl.declared.json: the name '/x' is an absolute path"),
        ({"batch": "x\0"}, "PATH", "b.jsonl.declared.json: the name 'x\\x00' holds NUL"),
    ],
)
def test_a_file_that_is_not_what_its_sender_says(workspace, said, code, told):
    workspace.write("b.jsonl.declared.json", json.dumps(said))
    result = workspace.ingest(workspace.write("b.jsonl", SOUND))
    _nothing_is_kept(workspace, result, code)
    assert result.message.startswith(told)


@pytest.mark.parametrize("name", ["../b.jsonl", "/srv/b.jsonl", "C:\\b.jsonl"])
def test_a_name_that_leads_elsewhere(workspace, name):
    result = ingest_file(workspace.write("b.jsonl", SOUND), workspace.root, shown=name)
    _nothing_is_kept(workspace, result, "PATH")
    assert result.message.startswith(f"the name {name!a} ")


def test_more_rows_than_a_batch_may_have(workspace, monkeypatch):
    monkeypatch.setattr("components.feedback.tally.MAX_ROWS", 2)
    result = workspace.ingest(workspace.write("b.jsonl", SOUND))
    _nothing_is_kept(workspace, result, "TOO_LARGE")
    assert result.message.startswith("b.jsonl ")


def test_more_bytes_than_a_batch_may_expand_to(workspace, monkeypatch):
    monkeypatch.setattr(streams, "MAX_BATCH_BYTES", 100)
    result = workspace.ingest(workspace.write("b.jsonl.gz", PACKED))
    _nothing_is_kept(workspace, result, "BOMB")
    assert result.message.startswith("b.jsonl.gz")


def test_a_known_name_with_other_bytes(workspace):
    for name, rows in (("a.jsonl", pairs(3)), ("b.jsonl", pairs(2, source="other"))):
        workspace.write(f"{name}.declared.json", json.dumps({"batch": "vendor-7"}))
        result = workspace.ingest(workspace.write(name, lines(rows)))
    assert (result.status, result.reasons) == ("rejected", {"ID_REUSE": 1})
    assert result.message.startswith(
        "b.jsonl is declared as batch 'vendor-7', which came with other bytes as a-"
    )


def test_the_same_batch_again(workspace):
    path = workspace.write("b.jsonl", SOUND)
    first = workspace.ingest(path)
    before = (workspace.root / "feedback" / first.batch / "manifest.json").read_bytes()
    again = workspace.ingest(path)
    assert (again.status, again.batch, again.read) == ("already_ingested", first.batch, 3)
    assert (workspace.root / "feedback" / first.batch / "manifest.json").read_bytes() == before


def test_a_line_of_a_hundred_megabytes(workspace):
    long = b'{"prompt": "' + b"x" * (100 << 20) + b'", "chosen": "c", "rejected": "r"}\n'
    result = workspace.ingest(workspace.write("b.jsonl", SOUND + long + lines(pairs(1, id=7)).encode()))
    (entry,) = workspace.refused(result)
    assert (result.accepted, entry["line"], entry["reason"], len(entry["raw"])) == (4, 4, "LINE_LONG", 4096)
    assert entry["message"].startswith("b.jsonl line 4: the record is longer than 1048576 bytes")
