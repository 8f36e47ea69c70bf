"""JSONL, JSON arrays, CSV and Parquet, plain and gzipped: the same rows, and the line each one came from."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime

import polars as pl
import pytest
from batch_files import PAIR, lines, pairs

ROWS = [
    {
        "id": "00123",
        "prompt": "Grüße, 世界 👋🏽",
        "chosen": "A, b",
        "rejected": 'say "hi"',
        "annotator": "ann",
    },
    {"id": "x", "prompt": "two\nlines", "chosen": "NA", "rejected": "null", "annotator": "bob"},
]
CSV = (
    "id,prompt,chosen,rejected,annotator\r\n"
    '00123,"Grüße, 世界 👋🏽","A, b","say ""hi""",ann\r\n'
    'x,"two\nlines","NA",null,bob\r\n'
)


def _packed(workspace, packing):
    writers = {
        "b.jsonl": lambda name: workspace.write(name, lines(ROWS)),
        "b.jsonl.gz": lambda name: workspace.write_gzip(name, lines(ROWS)),
        "b.ndjson": lambda name: workspace.write(name, "\n".join(json.dumps(row) for row in ROWS)),
        "b.json": lambda name: workspace.write(name, json.dumps(ROWS, indent=2)),
        "B.JSON.GZ": lambda name: workspace.write_gzip(name, json.dumps(ROWS)),
        "lines.json": lambda name: workspace.write(name, lines(ROWS)),
        "b.csv": lambda name: workspace.write(name, CSV),
        "bom.csv": lambda name: workspace.write(name, "\ufeff" + CSV),
        "b.csv.gz": lambda name: workspace.write_gzip(name, CSV),
        "b.parquet": lambda name: workspace.write_parquet(name, ROWS),
    }
    return writers[packing](packing)


@pytest.mark.parametrize(
    "packing",
    ["b.jsonl", "b.jsonl.gz", "b.ndjson", "b.json", "B.JSON.GZ", "lines.json", "b.csv", "bom.csv", "b.csv.gz",
     "b.parquet"],
)  # fmt: skip
def test_every_packing_gives_the_same_rows(workspace, packing):
    result = workspace.ingest(_packed(workspace, packing))
    assert (result.status, result.read, result.accepted) == ("accepted", 2, 2)
    rows = workspace.rows(result).sort("line").to_dicts()
    assert [row["row_id"] for row in rows] == ["00123", "x"]
    assert [row["prompt"] for row in rows] == ["Grüße, 世界 👋🏽", "two\nlines"]
    assert [row["responses"] for row in rows] == [["A, b", 'say "hi"'], ["NA", "null"]]
    assert [row["annotator"] for row in rows] == ["ann", "bob"]
    assert [row["votes"] for row in rows] == [
        [{"annotator": "ann", "label": 1.0, "at": None}],
        [{"annotator": "bob", "label": 1.0, "at": None}],
    ]


def test_gzipped_parquet(workspace):
    plain = workspace.write_parquet("plain.parquet", ROWS).read_bytes()
    assert workspace.ingest(workspace.write("b.parquet.gz", gzip.compress(plain))).accepted == 2


def test_lines_are_the_files_own(workspace):
    text = f"\n{json.dumps(PAIR)}\n   \n{{broken\n\n{json.dumps(PAIR | {'prompt': 'Other?'})}"
    result = workspace.ingest(workspace.write("b.jsonl", text))
    assert workspace.rows(result)["line"].to_list() == [2, 6]
    assert [(entry["line"], entry["raw"]) for entry in workspace.refused(result)] == [(4, "{broken")]


def test_unicode_line_separators_are_text(workspace):
    row = json.dumps(PAIR | {"chosen": "one\u2028two\x85three"}, ensure_ascii=False)
    result = workspace.ingest(workspace.write("b.jsonl", row + "\r\n"))
    assert workspace.rows(result)["responses"].to_list() == [["one\u2028two\x85three", "Seven."]]


def test_csv_lines_are_where_the_record_begins(workspace):
    text = (
        "prompt,chosen,rejected\n"  # 1
        '"a\n\nb",yes,no\n'  # 2 to 4
        "\n"  # 5
        "c,yes\n"  # 6: a field is missing
        'd,"yes\n maybe",no\n'  # 7 and 8
        'e,"yes"x,no\n'  # 9: text after the closing quote
        "f,yes,no\n"  # 10
    )
    result = workspace.ingest(workspace.write("b.csv", text))
    assert workspace.rows(result)["line"].to_list() == [2, 7, 10]
    refused = [(entry["line"], entry["reason"], entry["raw"]) for entry in workspace.refused(result)]
    assert refused == [(6, "CSV", "c,yes"), (9, "CSV", 'e,"yes"x,no')]


def test_array_elements_are_placed_by_line_and_fail_alone(workspace):
    text = (
        '[\n{"prompt": "a", "chosen": "b", "rejected": "c"},\n\n'
        '  {"prompt": "a", "prompt": "z", "chosen": "b", "rejected": "c"},\n'
        '  17,\n  {"prompt": "d", "chosen": "b",\n   "rejected": "c"}\n]\n'
    )
    result = workspace.ingest(workspace.write("b.json", text))
    assert workspace.rows(result)["line"].to_list() == [2, 6]
    assert [(entry["line"], entry["reason"]) for entry in workspace.refused(result)] == [
        (4, "DUP_KEY"),
        (5, "TYPE"),
    ]
    assert workspace.refused(result)[0]["raw"].startswith('{"prompt": "a", "prompt": "z"')


def test_csv_numbers_lists_and_absent_values_are_read_from_their_spelling(workspace):
    text = (
        "prompt,response,rating,scale,annotator,created_at\n"
        "a,b, 4 ,,,\n"
        "c,d,7.5,0-10,ann,2025-03-03T08:00:00Z\n"
        "e,f,1e999,,,\n"
        "g,h,nan,,,\n"
        "i,j,four,,,\n"
        "k,l,,,,\n"
    )
    result = workspace.ingest(workspace.write("b.csv", text))
    first, second = workspace.rows(result).to_dicts()
    assert (first["votes"][0]["label"], first["scale_min"], first["scale_max"]) == (4.0, 1.0, 5.0)
    assert (first["annotator"], first["created_at"]) == (None, None)
    assert (second["votes"][0]["label"], second["scale_min"], second["scale_max"]) == (7.5, 0.0, 10.0)
    assert second["created_at"] == datetime(2025, 3, 3, 8, tzinfo=UTC)
    reasons = [(entry["line"], entry["reason"]) for entry in workspace.refused(result)]
    assert reasons == [(4, "NONFINITE"), (5, "NONFINITE"), (6, "TYPE"), (7, "MISSING_COL")]


def test_csv_ranking_holds_json_lists(workspace):
    text = 'prompt,responses,ranks\np,"[""a"", ""b""]","[2, 1]"\nq,"[""a""","[1]"\nr,"[""a"", ""b""]","[1, NaN]"\n'
    result = workspace.ingest(workspace.write("b.csv", text))
    (row,) = workspace.rows(result).to_dicts()
    assert (row["responses"], row["ranks"]) == (["a", "b"], [2, 1])
    assert [entry["reason"] for entry in workspace.refused(result)] == ["JSON", "NONFINITE"]


def test_parquet_types(workspace):
    aware = datetime(2025, 3, 3, 9, 30, tzinfo=UTC)
    frame = pl.DataFrame(
        {
            "prompt": [[{"role": "user", "content": "Hi"}], [{"role": "user", "content": "Ho"}], None],
            "response": ["a", None, "c"],
            "rating": [5, 3, 4],
            "created_at": [aware, aware, aware],
            "extra": [1.5, float("nan"), None],
        }
    )
    path = workspace.folder / "b.parquet"
    frame.write_parquet(path)
    result = workspace.ingest(path)
    (row,) = workspace.rows(result).to_dicts()
    assert (row["prompt"], row["messages"]) == ("Hi", [{"role": "user", "content": "Hi"}])
    assert (row["created_at"], json.loads(row["meta"])) == (aware, {"extra": 1.5})
    refused = workspace.refused(result)
    assert [(entry["line"], entry["reason"]) for entry in refused] == [(2, "EMPTY_RESP"), (3, "EMPTY_PROMPT")]
    assert refused[0]["message"].startswith("b.parquet row 2: response: is empty")


def test_a_time_without_zone_in_parquet(workspace):
    rows = [PAIR | {"created_at": datetime(2025, 3, 3)}]
    result = workspace.ingest(workspace.write_parquet("b.parquet", rows))
    assert result.reasons == {"BAD_RATIO": 1, "TZ": 1}


def test_a_column_that_half_the_objects_lack_does_not_hide_the_format(workspace):
    rows = [{"prompt": "x", "response": "y", "edited_response": "z"}, {"prompt": "x"}]
    result = workspace.ingest(workspace.write("b.jsonl", lines(rows)))
    assert (workspace.manifest(result)["format"], result.reasons) == ("edit", {"MISSING_COL": 1})


@pytest.mark.parametrize(("name", "write"), [("b.jsonl", lines), ("b.json", json.dumps)])
def test_a_long_record_is_quarantined_and_cut(workspace, name, write):
    rows = [*pairs(2), PAIR | {"chosen": "x" * 1_048_577}]
    result = workspace.ingest(workspace.write(name, write(rows)))
    assert result.reasons == {"LINE_LONG": 1}
    (entry,) = workspace.refused(result)
    assert len(entry["raw"]) == 4096
