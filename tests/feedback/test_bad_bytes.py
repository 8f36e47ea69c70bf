"""A byte that is not UTF-8 refuses a file, and is told with its very line and its place in it."""

from __future__ import annotations

import gzip
import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batch_files import PAIR, lines, pairs

from components.feedback.parsing import csv_rows, json_arrays, json_lines, parsed
from components.feedback.parsing.block import BLOCK_BYTES
from components.feedback.parsing.envelope import examine
from components.feedback.reasons import BatchError

#: Lines of so many bytes: the first two together and each after them, so that a chunk ends where line 513 does.
LINE = 1 << 14
ROWS = 600
LAST_OF_CHUNK, LAST = BLOCK_BYTES // LINE + 1, ROWS + 1
HEADS = {"b.csv": "prompt,chosen,rejected\n", "b.json": "[\n", "b.jsonl": "\n"}


def _row(name, number, size):
    if name == "b.csv":
        start, end = f"Question {number}?,Blue", ",Seven.\n"
    else:
        start, end = json.dumps(PAIR | {"prompt": f"Question {number}?"})[:-2], '"}\n'
        end = end.replace("\n", ",\n") if name == "b.json" and number < ROWS - 1 else end
    return start + "." * (size - len(start) - len(end)) + end


def _large(name):
    """A sound file, a chunk and some more: its head on line 1, rows on lines 2 to 601."""
    head = HEADS[name]
    rows = [_row(name, number, LINE - len(head) * (number == 0)) for number in range(ROWS)]
    return (head + "".join(rows) + ("]" if name == "b.json" else "")).encode()


def _spoiled(content, name, line, byte, bad):
    start = len(HEADS[name]) * (line == 2) + LINE * max(0, line - 2)
    place = start + byte - 1
    return content[:place] + bad + content[place + len(bad) :]


@pytest.mark.parametrize("name", HEADS)
def test_the_large_file_is_sound(workspace, name):
    content = _large(name)
    assert len(content) > BLOCK_BYTES
    assert content[: LINE * (LAST_OF_CHUNK - 1)].count(b"\n") == LAST_OF_CHUNK
    with parsed(examine(name, workspace.write(name, content))) as file:
        records = [record for each in file.blocks for record in each.records()]
    assert [record.line for record in records] == list(range(2, LAST + 1))
    assert all(record.fault is None and set(record.values) == set(PAIR) for record in records)


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize(
    ("line", "byte", "bad"),
    [
        (1, 1, b"\xff"),
        (2, 1, b"\xff"),
        (3, 1, b"\xc3\x28"),
        (300, 7000, b"\xff"),
        # The end of a chunk; half of a character there, which the next one does not go on with.
        (LAST_OF_CHUNK, LINE - 2, b"\xff"),
        (LAST_OF_CHUNK, LINE, b"\xc3"),
        (LAST_OF_CHUNK + 1, 1, b"\xff"),
        (LAST_OF_CHUNK + 1, 2, b"\xff"),
        (LAST, LINE - 9, b"\xed\xa0\x80"),
    ],
)
def test_in_a_file_of_more_than_a_chunk(workspace, name, line, byte, bad):
    result = workspace.ingest(workspace.write(name, _spoiled(_large(name), name, line, byte, bad)))
    assert (result.status, result.reasons) == ("rejected", {"ENCODING": 1})
    assert result.message == f"{name} line {line} is not UTF-8 at its byte {byte}"
    assert result.remedy == "save the file as UTF-8"


@pytest.mark.parametrize("name", HEADS)
def test_half_of_a_character_at_the_end_of_the_file(workspace, name):
    content = _large(name).rstrip(b"]\n") + b"\n\xe4\xb8"
    packed = workspace.write(f"{name}.gz", gzip.compress(content, 1, mtime=0))
    for path in (workspace.write(name, content), packed):
        assert _told(path) == f"{path.name} line {LAST + 1} is not UTF-8 at its byte 1"


def test_inside_a_quoted_field_of_many_lines(workspace):
    field = '"' + "".join(f"{number:015}\n" for number in range(600_000)) + '"'
    content = f"prompt,chosen,rejected\na,b,c\nd,{field},f\ng,h,i\n".encode()
    start = len(b'prompt,chosen,rejected\na,b,c\nd,"')
    for before in (0, 1, 99_999, (BLOCK_BYTES - start) // 16, 599_999):
        place = start + 16 * before + 4
        path = workspace.write("b.csv", content[:place] + b"\xff" + content[place + 1 :])
        # The first of its lines has `d,"` before it.
        assert _told(path) == f"b.csv line {3 + before} is not UTF-8 at its byte {5 if before else 8}"


def test_in_an_array_on_one_line(workspace):
    content = json.dumps([PAIR | {"prompt": f"{number}?", "chosen": "é" * 5000} for number in range(1000)],
                         ensure_ascii=False).encode()  # fmt: skip
    assert len(content) > BLOCK_BYTES
    for byte in (1000, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, BLOCK_BYTES + 12_345, len(content)):
        # A byte may cut a character in two: what is at fault is its first.
        first = byte - 1 if content[byte - 2] == 0xC3 else byte
        path = workspace.write("b.json", content[: byte - 1] + b"\xff" + content[byte:])
        assert _told(path) == f"b.json line 1 is not UTF-8 at its byte {first}"


def test_behind_an_array_that_is_broken(workspace):
    lead = b"[{}\n{}\n" + b" \n" * BLOCK_BYTES
    path = workspace.write("b.json", lead + b"12\xff]")
    assert _told(path) == f"b.json line {BLOCK_BYTES + 3} is not UTF-8 at its byte 3"


@pytest.mark.parametrize("length", [10_000_000, 2 * BLOCK_BYTES - 5, 30_000_000])
def test_in_a_line_too_long_to_be_read(workspace, length):
    start = lines(pairs(1)).encode() + b'{"a": "'
    path = workspace.write("b.jsonl", start + b"x" * length + b"\xc3\n" + b"[]\n")
    assert _told(path) == f"b.jsonl line 2 is not UTF-8 at its byte {length + 8}"


@pytest.mark.parametrize(("row", "nested"), [(1, False), (2, True), (300, False), (300, True)])
def test_in_parquet_its_row_and_column(workspace, monkeypatch, row, nested):
    monkeypatch.setattr("components.feedback.parsing.parquet_rows.BLOCK_ROWS", 128)
    texts = [b"Name\xff" if number == row else b"Name." for number in range(1, 301)]
    column = pa.array(texts, pa.binary()).view(pa.string())
    answers = [pa.array(text * 300) for text in (["Blue."], ["Seven."])]
    prompts = pa.StructArray.from_arrays([column], ["text"]) if nested else column
    path = workspace.folder / "b.parquet"
    pq.write_table(pa.table([*answers, prompts], ["chosen", "rejected", "prompt"]), path)
    result = workspace.ingest(path)
    assert (result.status, result.reasons) == ("rejected", {"ENCODING": 1})
    assert result.message == f"b.parquet holds text that is not UTF-8 in row {row}, column 'prompt'"


SMALL = {
    "b.csv": 'prompt,chosen,rejected\r\n"Grüße\n\n世界 👋🏽\r",b,c\r\rd,"e\r\n",f\n\n"g",h,i\r\n',
    "b.json": ' [\n{"prompt": "Grüße",\n\n "chosen": "世界 👋🏽"}\r\n,\n{"prompt": "é"}, {"a": 1}\n]\n\n',
    "b.jsonl": '\n{"prompt": "Grüße", "chosen": "世界 👋🏽"}\r\n\n{"prompt": "é"}\n',
}
ENDS = {"b.csv": rb"\r\n|\r|\n", "b.json": rb"\n", "b.jsonl": rb"\n"}


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1000])
@pytest.mark.parametrize("name", SMALL)
def test_wherever_it_stands_and_wherever_chunks_end(workspace, monkeypatch, name, size, mark):
    for module in (csv_rows, json_arrays, json_lines):
        monkeypatch.setattr(module, "BLOCK_BYTES", max(size, len(mark)))
    text = SMALL[name]
    for place in range(len(text) + 1):
        before, after = text[:place].encode(), text[place:].encode()
        *whole, rest = re.split(ENDS[name], before)
        path = workspace.write(name, mark + before + b"\xff" + after)
        told = f"{name} line {len(whole) + 1} is not UTF-8 at its byte {len(rest) + 1}"
        assert _told(path) == told, (place, before)


def _told(path):
    with pytest.raises(BatchError) as caught, parsed(examine(path.name, path)) as file:  # noqa: PT012
        for block in file.blocks:
            block.records()
    assert caught.value.code == "ENCODING"
    return caught.value.message
