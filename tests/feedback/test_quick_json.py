"""What the quick decoder takes, it decodes as the strict one does."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.feedback.parsing.quick_json import decode_plain
from components.feedback.parsing.strict_json import StrictJson
from components.feedback.reasons import RowError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
#: Spellings that two decoders might take in two ways.
ODD = [
    '{"a": 1, "a": 2}', '{"a": 1, "a" : 2}', '{"a" : 1, "a":2}', '{"a"\t:1,"b":2,"a":3}', '{"a": NaN}', '{"a": 1e999}',
    '{"a": 123456789012345678901234567890}', '{"a": "\\ud800"}', '{"a": "x\\":"}', '{"a": [{"b": 1, "b": 2}]}',
    '{"a": -0}',
    '{"\\u0061": 1, "a": 2}', '{"a": "\t"}', "[1]", "1", "", "{}", '{"a": 1} x', '{"a":01}', '{"a": tru}', "\ufeff{}",
    '{"a":"b":"c"}', '{"a": "\\x"}', '{"a": 1.0}', '{"a": 1E2}', '{\"a\":\"\x7f\u2028\"}',
]  # fmt: skip


def _quick(line):
    """What is decoded of a line among others."""
    before, quick, after = decode_plain(['{"b" : 1}', line, '{"c":2}'])
    assert (before, after) == (None, {"c": 2})
    return quick


def _agrees(line):
    quick = _quick(line)
    if quick is None:
        return False
    strict = StrictJson().decode(line)
    assert quick == strict
    assert {key: type(value) for key, value in quick.items()} == {key: type(strict[key]) for key in strict}
    return True


@pytest.mark.parametrize("line", ODD)
def test_odd_spellings(line):
    try:
        StrictJson().decode(line)
    except RowError:
        assert _quick(line) is None
    else:
        _agrees(line)


def test_a_plain_row_is_taken():
    row = {
        "id": 7,
        "prompt": 'Grüße: "世界"',
        "chosen": "a\nb",
        "rejected": "",
        "annotator": None,
        "good": True,
    }
    assert _agrees(json.dumps(row)), "quick"
    assert _agrees(json.dumps(row, ensure_ascii=False, separators=(",", ":")))


@given(
    st.dictionaries(st.text(max_size=5), VALUES, max_size=4),
    st.booleans(),
    st.sampled_from([": ", ":", " : "]),
)
def test_any_object(row, ascii_only, colon):
    line = json.dumps(row, ensure_ascii=ascii_only, separators=(", ", colon))
    try:
        StrictJson().decode(line)
    except RowError:
        assert _quick(line) is None
    else:
        _agrees(line)


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", 'a":']), st.sampled_from(["1", '"x"', '"\\":"', "null"])),
        max_size=4,
    )
)
def test_keys_given_twice(pairs):
    line = "{" + ",".join(f"{json.dumps(key)}:{value}" for key, value in pairs) + "}"
    if len({key for key, _ in pairs}) < len(pairs):
        assert _quick(line) is None
    else:
        _agrees(line)
