"""Names, contents and versions of files that refuse a whole batch."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime

import pytest

from components.feedback.reasons import BatchError
from components.feedback.rules.files import (
    check_file_name,
    check_no_pickle,
    check_no_pickled_type,
    check_version,
)


@pytest.mark.parametrize(
    "name",
    ["../up.jsonl", "a/../../b.jsonl", "/etc/passwd.jsonl", "C:\\x.csv", "..\\x.csv", "nul\0.jsonl", "%2e%2e%2fx.jsonl",
     "a%252e%252e.jsonl", "x%00.csv", "~/x.jsonl", "\\\\host\\x.csv"],
)  # fmt: skip
def test_a_name_that_leads_elsewhere(name):
    with pytest.raises(BatchError) as caught:
        check_file_name(name)
    assert caught.value.code == "PATH"
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    "name", ["a.jsonl", "März 2025..final.jsonl", "50%.csv", "a%20b.json", ".x.csv", "c:d.csv", "~a.csv"]
)
def test_a_name_that_stays(name):
    check_file_name(name)


def test_pickles():
    for protocol in range(6):
        for value in ({"a": 1}, [1], json.loads, datetime(2025, 1, 1, tzinfo=UTC)):
            with pytest.raises(BatchError) as caught:
                check_no_pickle("x.parquet", pickle.dumps(value, protocol))
            assert caught.value.code == "PICKLE"
    for head in (
        b"",
        b"country\nname\n",
        b'{"c": 1}',
        b"(lp)\n",
        b"PAR1\x15\x04",
        b"\x1f\x8b\x08",
        b"content\nos\n",
    ):
        check_no_pickle("x.csv", head)


def test_schema_versions():
    for known in (None, 1, "1", 1.0):
        check_version(known)
    for unknown in (2, "2", 0, "v1", True, [1]):
        with pytest.raises(BatchError) as caught:
            check_version(unknown)
        assert caught.value.code == "SCHEMA_VER"


def test_columns_whose_type_is_a_pickle():
    with pytest.raises(BatchError, match="type is a pickle"):
        check_no_pickled_type("x.parquet", {b"ARROW:extension:name": b"arrow.py_extension_type"})
    for metadata in (None, {}, {b"ARROW:extension:name": b"arrow.json"}):
        check_no_pickled_type("x.parquet", metadata)
