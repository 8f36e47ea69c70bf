"""Files that are refused as a whole: nothing of them is kept but a manifest that says why."""

from __future__ import annotations

import gzip
import json

import polars as pl
import pytest
from batch_files import PAIR, as_parquet, as_zip, lines, pairs

from components.errors import FeedbackError
from components.feedback import limits
from components.feedback.store import list_manifests, read_accepted

SOUND = lines(pairs(3)).encode()
#: Without the time: the names of tests are the same in every process.
PACKED = gzip.compress(SOUND, mtime=0)
PARQUET = as_parquet(pairs(3))
ARRAY = json.dumps(pairs(3)).encode()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("b.jsonl", SOUND + b'{"prompt": "caf\xe9"}\n', "ENCODING"),
        ("b.csv", "prompt,chosen,rejected\na,b,c\n".encode("utf-16"), "ENCODING"),
        ("b.jsonl.gz", PACKED[:-20], "TRUNCATED"),
        ("b.jsonl.gz", PACKED[:5], "TRUNCATED"),
        ("b.json", ARRAY[:-30], "TRUNCATED"),
        ("b.json", b"[", "TRUNCATED"),
        ("b.csv", b'prompt,chosen,rejected\na,b,c\n"d,e,f\n', "TRUNCATED"),
        ("b.parquet", PARQUET[:-4], "TRUNCATED"),
        ("b.jsonl.gz", PACKED[:-6] + b"\x00\x00" + PACKED[-4:], "DAMAGED"),
        ("b.jsonl.gz", PACKED[:12] + b"\xff\xff\xff\xff" + PACKED[16:], "DAMAGED"),
        ("b.parquet", b"PAR1" + b"\x00" * 40 + b"PAR1", "DAMAGED"),
        ("b.parquet", PARQUET[:4] + PARQUET[60:], "DAMAGED"),
        ("b.jsonl.gz", gzip.compress(b" " * (17 << 20), mtime=0), "BOMB"),
        ("b.jsonl.gz", gzip.compress(PACKED, mtime=0), "ARCHIVE"),
        ("b.jsonl", as_zip(SOUND), "ARCHIVE"),
        ("b.jsonl", b"", "EMPTY"),
        ("b.jsonl.gz", b"", "EMPTY"),
        ("b.jsonl.gz", gzip.compress(b"", mtime=0), "EMPTY"),
        ("b.jsonl", b"\n  \n", "EMPTY"),
        ("b.json", b" [ ] ", "EMPTY"),
        ("b.csv", b"prompt,chosen,rejected\n", "EMPTY"),
        ("b.csv", b"\n\n", "EMPTY"),
        ("b.parquet", as_parquet(pl.DataFrame(pairs(1)).clear()), "EMPTY"),
        ("b.csv", PACKED, "MAGIC"),
        ("b.csv", PARQUET, "MAGIC"),
        ("b.csv", SOUND, "MAGIC"),
        ("b.csv.gz", b"prompt,chosen,rejected\na,b,c\n", "MAGIC"),
        ("b.parquet", SOUND, "MAGIC"),
        ("b.jsonl", ARRAY, "MAGIC"),
        ("b.txt", SOUND, "MAGIC"),
        ("b", SOUND, "MAGIC"),
        ("b.json", b'[{"prompt": "a"} {"prompt": "b"}]', "JSON"),
        ("b.json", b'[{"prompt": "a"},]', "JSON"),
        ("b.json", b'[{"prompt": a}]', "JSON"),
        ("b.json", b'[{"prompt": "a"}] [1]', "JSON"),
        ("b.json", b"[" * 100_000 + b"]", "JSON"),
        ("b.csv", b"prompt,chosen,chosen\na,b,c\n", "DUP_KEY"),
        ("b.csv", b"prompt,chosen\na,b\n", "MISSING_COL"),
        ("b.csv", b'"a"b,c\na,b\n', "MISSING_COL"),
        ("b.jsonl", b'{"question": "a", "reply": "b"}\n', "MISSING_COL"),
        ("b.jsonl", b'{"prompt": "p", "response": "r", "rating": 3, "thumbs_up": true}\n', "AMBIGUOUS"),
        ("b.jsonl", b'{"prompt": "p", "response": "r", "score": 0.2}\n', "AMBIGUOUS"),
        ("b.jsonl", b"garbage\nmore of it\n", "BAD_RATIO"),
    ],
)
def test_refused(workspace, name, content, reason):
    result = workspace.ingest(workspace.write(name, content))
    assert (result.status, result.accepted, result.reasons[reason]) == ("rejected", 0, 1)
    assert name in result.message
    assert result.remedy
    assert result.message.isascii()
    folder = workspace.root / "quarantine" / result.batch
    assert [path.name for path in folder.iterdir()] == ["manifest.json"]
    assert workspace.manifest(result, "quarantine")["reasons"] == result.reasons
    assert not (workspace.root / "feedback").exists()
    assert [manifest.status for manifest in list_manifests(workspace.root)] == ["rejected"]
    assert read_accepted(workspace.root / "feedback").height == 0


def test_a_missing_column_is_named(workspace):
    path = workspace.write("b.csv", "prompt,chosen\na,b\n")
    result = workspace.ingest(path)
    assert result.message == (
        "b.csv has the columns chosen, prompt; the nearest format, pairwise, also needs rejected"
    )
    result = workspace.ingest(path, "rating")
    assert result.message == "b.csv as rating lacks rating, response"


def test_a_doubtful_format_is_taken_when_it_is_named(workspace):
    path = workspace.write("b.jsonl", '{"prompt": "p", "response": "r", "score": 0.2}\n')
    assert workspace.ingest(path).message == "b.jsonl may be demonstration, but it has score"
    result = workspace.ingest(path, "demonstration")
    assert (result.status, result.accepted) == ("accepted", 1)
    assert [manifest.status for manifest in list_manifests(workspace.root)] == ["accepted"]
    assert workspace.manifest(result, "quarantine")["status"] == "accepted"


@pytest.mark.parametrize(
    ("sound", "bad", "status"),
    [(16, 4, "accepted"), (79, 21, "rejected"), (80, 20, "accepted"), (15, 5, "rejected"), (1, 18, "accepted"),
     (0, 1, "rejected")],
)  # fmt: skip
def test_share_of_bad_rows(workspace, sound, bad, status):
    rows = [*pairs(sound), *({"prompt": f"{n}", "chosen": "", "rejected": "x"} for n in range(bad))]
    result = workspace.ingest_rows(*rows)
    assert (result.status, result.read) == (status, sound + bad)
    if status == "rejected":
        assert (result.accepted, result.quarantined) == (0, sound + bad)
        assert result.reasons == {"BAD_RATIO": 1, "EMPTY_RESP": bad}
        assert f"line {sound + 1}: chosen: is empty" in result.message


def test_repeats_do_not_count_as_bad(workspace):
    named = [PAIR | {"annotator": "ann"}] * 30
    result = workspace.ingest_rows(*named)
    assert (result.status, result.accepted, result.duplicates) == ("accepted", 1, 29)


def test_row_and_size_limits(workspace, monkeypatch):
    monkeypatch.setattr("components.feedback.tally.MAX_ROWS", 2)
    for name, content in {"b.jsonl": SOUND, "b.parquet": PARQUET}.items():
        assert workspace.ingest(workspace.write(name, content)).reasons == {"TOO_LARGE": 1}
    monkeypatch.setattr("components.feedback.parsing.parquet_rows.MAX_BATCH_BYTES", 10)
    assert workspace.ingest(workspace.write("d.parquet", PARQUET)).reasons == {"BOMB": 1}


def test_small_text_may_compress_well(workspace):
    rows = [PAIR | {"prompt": f"Laugh {number}.", "chosen": "ha " * 8_000} for number in range(40)]
    packed = workspace.write_gzip("b.jsonl.gz", lines(rows))
    assert packed.stat().st_size * limits.MAX_EXPANSION < 900_000
    assert workspace.ingest(packed).accepted == 40


@pytest.mark.parametrize("name", ["gone.jsonl", ".", "nul\0.jsonl"])
def test_no_file_is_wrong_usage(workspace, name):
    with pytest.raises(FeedbackError, match="is not a file"):
        workspace.ingest(workspace.folder / name)
    assert list(workspace.folder.iterdir()) == []


def test_an_unknown_format_is_wrong_usage(workspace):
    path = workspace.write("b.jsonl", SOUND)
    with pytest.raises(FeedbackError, match="unknown format 'pairs'") as error:
        workspace.ingest(path, "pairs")
    assert "hh-rlhf" in error.value.remedy
    assert [entry.name for entry in workspace.folder.iterdir()] == ["b.jsonl"]


def test_a_disk_that_refuses_is_told_plainly(workspace):
    path = workspace.write("b.jsonl", SOUND)
    workspace.root = path / "data"
    with pytest.raises(FeedbackError, match=r"cannot ingest .*b\.jsonl: (Not a directory|File exists)"):
        workspace.ingest(path)
