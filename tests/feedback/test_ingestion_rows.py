"""Each reason for which a row goes to the quarantine, with the sound neighbours that must not."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from batch_files import PAIR, lines, pairs

from components.feedback.reasons import BATCH_TAGS, HOLDS, OF_BATCHES, REMEDIES, ROW_TAGS, Reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"prompt": "p", "chosen": "c", "rejected": "r"', "JSON"),
        ('{"prompt": "p", "chosen": "c", "rejected": "r"} x', "JSON"),
        ('{"prompt": "p", "chosen": "c", "rejected": "tab\there"}', "JSON"),
        ('{"prompt": "p", "chosen": "c", "rejected": "\\ud83d"}', "JSON"),
        ("[" * 100_000, "JSON"),
        ('{"prompt": "p", "chosen": "c", "rejected": "r", "x": ' + "[" * 40 + "]" * 40 + "}", "JSON"),
        ('{"prompt": "p", "chosen": "c", "chosen": "d", "rejected": "r"}', "DUP_KEY"),
        ('{"prompt": "p", "chosen": "c", "rejected": "r", "x": {"a": 1, "a": 1}}', "DUP_KEY"),
        ('{"prompt": "p", "chosen": "c", "rejected": "r", "x": NaN}', "NONFINITE"),
        ('{"prompt": "p", "chosen": "c", "rejected": "r", "x": -Infinity}', "NONFINITE"),
        ('{"prompt": "p", "chosen": "c", "rejected": "r", "strength": 1e999}', "NONFINITE"),
        ('{"prompt": "p", "chosen": "c", "rejected": "r", "strength": 1' + "0" * 400 + "}", "NONFINITE"),
        ('"prompt"', "TYPE"),
        ("[1]", "TYPE"),
        ("null", "TYPE"),
    ],
)
def test_what_pythons_json_would_take_or_die_of(workspace, text, reason):
    entry = workspace.fault(text)
    assert (entry["reason"], entry["raw"]) == (reason, text)


def test_a_whole_surrogate_pair_is_a_character(workspace):
    path = workspace.write("b.jsonl", '{"prompt": "p", "chosen": "\\ud83d\\ude00", "rejected": "r"}')
    assert workspace.rows(workspace.ingest(path))["responses"].to_list() == [["😀", "r"]]


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({"prompt": ""}, "EMPTY_PROMPT", "prompt"),
        ({"prompt": " \u200b\u2060\ufeff\n"}, "EMPTY_PROMPT", "prompt"),
        ({"prompt": None}, "EMPTY_PROMPT", "prompt"),
        ({"chosen": ""}, "EMPTY_RESP", "chosen"),
        ({"rejected": "\u3164\u2800\u00ad\u0301"}, "EMPTY_RESP", "rejected"),
        ({"rejected": None}, "EMPTY_RESP", "rejected"),
        ({"chosen": 5}, "TYPE", "chosen"),
        ({"chosen": True}, "TYPE", "chosen"),
        ({"chosen": ["x"]}, "TYPE", "chosen[0]"),
        ({"id": 1.5}, "TYPE", "id"),
        ({"id": ["x"]}, "TYPE", "id"),
        ({"annotator": True}, "TYPE", "annotator"),
        ({"annotator": "a" * 201}, "RANGE", "annotator"),
        ({"language": "e\x1bn"}, "CONTROL", "language"),
        ({"strength": 1.5}, "RANGE", "strength"),
        ({"strength": -0.1}, "RANGE", "strength"),
        ({"strength": "0.5"}, "TYPE", "strength"),
        ({"gold": "a"}, "RANGE", "gold"),
        ({"gold": 1}, "RANGE", "gold"),
        ({"gold": 0.5}, "TYPE", "gold"),
        ({"seconds": -0.1}, "RANGE", "seconds"),
        ({"seconds": "3"}, "TYPE", "seconds"),
        ({"created_at": "2025-03-03T08:00:00"}, "TZ", "created_at"),
        ({"created_at": "2025-03-03"}, "TZ", "created_at"),
        ({"created_at": "3/3/2025"}, "TYPE", "created_at"),
        ({"created_at": 1741000000}, "TYPE", "created_at"),
        ({"created_at": "0001-01-01T00:00:00+23:00"}, "TIME", "created_at"),
        ({"rejected": "bell\x07"}, "CONTROL", "rejected"),
        ({"rejected": "\x1b[31mred"}, "CONTROL", "rejected"),
        ({"prompt": "null\x00"}, "CONTROL", "prompt"),
        ({"rejected": "delete\x7f"}, "CONTROL", "rejected"),
        ({"rejected": "user\u202etxt.exe"}, "BIDI", "rejected"),
        ({"rejected": "a\u2066b\u2069"}, "BIDI", "rejected"),
        ({"rejected": "Blue."}, "IDENTICAL", "rejected"),
        ({"rejected": " Blue.\n"}, "IDENTICAL", "rejected"),
        ({"rejected": "Ｂｌｕｅ．"}, "IDENTICAL", "rejected"),
    ],
)  # fmt: skip
def test_fields_that_cannot_be_accepted(workspace, fields, reason, field):
    entry = workspace.fault(PAIR | {"prompt": "Another?"} | fields)
    assert (entry["reason"], entry["field"]) == (reason, field)
    assert entry["message"].endswith(REMEDIES[Reason(reason)])
    assert json.loads(entry["raw"]) == PAIR | {"prompt": "Another?"} | fields


@pytest.mark.parametrize("field", ["prompt", "chosen", "rejected"])
def test_a_missing_field(workspace, field):
    row = {name: value for name, value in PAIR.items() if name != field}
    entry = workspace.fault(row, beside=PAIR | {"prompt": "Other?"})
    assert (entry["reason"], entry["field"]) == ("MISSING_COL", field)


@pytest.mark.parametrize(
    "token",
    ["<|endoftext|>", "<|im_start|>", "<|reserved_special_token_7|>", "<｜begin▁of▁sentence｜>", "<s>", "</s>",
     "[INST]", "[/INST]", "<<SYS>>", "<pad>", "[PAD]", "<bos>", "<eos>", "<unk>", "<UNK>", "[CLS]", "[MASK]",
     "<start_of_turn>"],
)  # fmt: skip
def test_special_tokens(workspace, token):
    entry = workspace.fault(PAIR | {"rejected": f"Seven.{token}"})
    assert (entry["reason"], entry["field"]) == ("SPECIAL_TOKEN", "rejected")
    assert entry["message"].isascii()


def test_text_that_only_looks_odd_is_accepted(workspace):
    odd = [
        "<span>x</span> <sup>2</sup> <b>bold</b> <del>old</del>",
        "[INSTALL] [Sep] [inst] list[INT]",
        "a <| b |> c, f <|> g, if a < s > b: s >> 2",
        "tabs\tand\r\nlines",
        "שלום \u200f עולם \u200e",
        "नमस्ते की दुनिया e\u0301",
        "👩\u200d👩\u200d👧 🏳️\u200d🌈",
        "=cmd|' /C calc'!A0",
        "../../etc/passwd",
        "<script>alert(1)</script>",
        "NaN",
        "\x85\x92 C1 from an old codepage",
    ]
    result = workspace.ingest_rows(*(PAIR | {"rejected": text} for text in odd))
    assert (result.accepted, result.read) == (len(odd), len(odd))
    assert [responses[1] for responses in workspace.rows(result)["responses"].to_list()] == odd


def test_clocks_may_differ_by_minutes(workspace):
    now = datetime.now(UTC)
    late = workspace.fault(PAIR | {"created_at": (now + timedelta(minutes=10)).isoformat()})
    assert (late["reason"], late["field"]) == ("TIME", "created_at")
    row = PAIR | {"prompt": "Another?", "created_at": (now + timedelta(minutes=2)).isoformat()}
    assert workspace.ingest_rows(row).accepted == 1


def test_the_quarantine_cannot_act_on_a_terminal(workspace):
    row = PAIR | {"rejected": "\x1b]0;owned\x07", "\x1b[2J": 1, "prompt": "\u202e"}
    path = workspace.write("b\x1b[2J.jsonl", lines([*pairs(1), row]))
    result = workspace.ingest(path)
    text = (workspace.root / "quarantine" / result.batch / "rows.jsonl").read_text(encoding="utf-8")
    assert text.isascii()
    assert text.rstrip("\n").isprintable()
    assert result.file.isprintable()
    assert workspace.manifest(result)["file"] == "b\\x1b[2J.jsonl"


def test_messages_say_file_line_field_and_what_to_do(workspace):
    entry = workspace.fault(PAIR | {"chosen": 5})
    assert entry["message"] == (
        "batch.jsonl line 2: chosen: is a number, expected text; write the value in the type that is expected"
    )


def test_every_reason_but_those_of_batches_has_a_remedy():
    assert set(Reason) - OF_BATCHES == set(REMEDIES)
    assert not (HOLDS | BATCH_TAGS | ROW_TAGS) & OF_BATCHES
