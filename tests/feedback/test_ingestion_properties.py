"""Whatever a file holds: no exception, counts that add up, and nothing new the second time."""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path

from batch_files import Workspace
from hypothesis import given, settings
from hypothesis import strategies as st

from components.feedback.readers.registry import READERS

TEXTS = st.one_of(
    st.sampled_from(
        [
            "",
            " ",
            "Blue.",
            "Seven.",
            "Name a colour.",
            "</s>",
            "\u202e",
            "\x00",
            "\u200b",
            "5",
            "\n\nHuman: a",
        ]
    ),
    st.text(max_size=8),
)
SCALARS = st.one_of(
    TEXTS, st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from([1e308, 10**400, 0, 1, 2])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["role", "content", "text", "rank", "value", "user_id", "result"]), inner
        ),
    ),
    max_leaves=6,
)
FIELDS = sorted({field for reader in READERS.values() for needs in reader.needs for field in needs})
OPTIONAL = [
    "id",
    "annotator",
    "created_at",
    "source",
    "language",
    "strength",
    "scale",
    "extra",
    "idx",
    "metadata",
]
SOME = settings(max_examples=60)


@st.composite
def records(draw):
    """Records in the shape of some format, with values that fit or do not."""
    reader = draw(st.sampled_from(sorted(READERS)))
    needs = draw(st.sampled_from(READERS[reader].needs))
    row = st.fixed_dictionaries(
        {field: draw(st.sampled_from([TEXTS, VALUES])) for field in sorted(needs)},
        optional=dict.fromkeys(OPTIONAL, VALUES),
    )
    return draw(st.lists(row, min_size=1, max_size=6))


def _holds(name, content, format_name=None):
    """Ingest the file twice; `Workspace.ingest` itself checks that the counts add up and match the disk."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        path = workspace.write(name, content)
        first = workspace.ingest(path, format_name)
        again = workspace.ingest(path, format_name)
    assert first.status in ("accepted", "rejected")
    assert again.status == {"accepted": "already_ingested", "rejected": "rejected"}[first.status]
    same = ("batch", "read", "accepted", "quarantined", "duplicates", "reasons")
    assert [getattr(first, field) for field in same] == [getattr(again, field) for field in same]
    json.dumps(first.to_json(), allow_nan=False).encode("ascii")
    return first


@SOME
@given(rows=records(), array=st.booleans())
def test_records_of_any_values(rows, array):
    if array:
        first = _holds("b.json", json.dumps(rows))
    else:
        first = _holds("b.jsonl", "\n".join(json.dumps(row) for row in rows))
    assert first.read in (0, len(rows))


@SOME
@given(rows=records(), format_name=st.sampled_from(sorted(READERS)))
def test_any_reader_on_any_records(rows, format_name):
    _holds("b.jsonl", "\n".join(json.dumps(row) for row in rows), format_name)


@SOME
@given(
    content=st.binary(max_size=200),
    name=st.sampled_from(["b.jsonl", "b.json", "b.csv", "b.parquet", "b.csv.gz"]),
)
def test_any_bytes(content, name):
    assert _holds(name, content).accepted == 0


@SOME
@given(
    content=st.text(max_size=80), header=st.sampled_from(["prompt,response\n", "prompt,chosen,rejected\n"])
)
def test_any_text_below_a_csv_header(content, header):
    _holds("b.csv.gz", gzip.compress((header + content).encode("utf-8")))


@SOME
@given(
    choices=st.lists(
        st.tuples(
            st.sampled_from("ab"), st.sampled_from(["ann", "bob", None]), st.sampled_from([None, "1", "2"])
        ),
        min_size=1,
        max_size=12,
    )
)
def test_what_is_accepted_is_one_judgement_each_and_free_of_contradiction(choices):
    rows = [
        {
            "prompt": "p",
            "response_a": "x",
            "response_b": "y",
            "preferred": preferred,
            "annotator": who,
            "id": name,
        }
        for preferred, who, name in choices
    ]
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        result = workspace.ingest_rows(*rows)
        if result.status == "rejected":
            assert set(result.reasons) <= {"BAD_RATIO", "SELF_CONFLICT", "DUP_ID"}
            return
        kept = workspace.rows(result).to_dicts()
    ids = [row["row_id"] for row in kept]
    assert len(set(ids)) == len(ids)
    named = [(row["annotator"], row["votes"][0]["label"]) for row in kept if row["annotator"]]
    assert len({who for who, _ in named}) == len(named)
