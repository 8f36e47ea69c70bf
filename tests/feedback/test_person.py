"""Who is named in a row as it came, and a name hidden in what is on record."""

from __future__ import annotations

import json

import pytest

from components.feedback.life.person import Person

CSV = "What?,Yes.,No.,{},3"


NAMED = [
    # Whatever the field is called, and however JSON may spell a letter.
    ("ann", '{"prompt": "Q", "annotator": "ann"}'),
    ("ann", '{"prompt": "Q", "reviewers": [{"who": "ann"}]}'),
    ("ann", '{"votes": {"ann": 1, "bob": 0}}'),
    ("ann", r'{"annotator": "\u0061nn"}'),
    ("ann/7", r'{"annotator": "ann\/7"}'),
    ("é-1", r'{"annotator": "\u00E9-1"}'),
    ('a "b"', r'{"annotator": "a \"b\""}'),
    # The first of a key that is given twice counts, too.
    ("ann", '{"annotator": "ann", "annotator": "bob"}'),
    ("ann", '{"note": "said ann, who left"}'),
    ("ann", '{"note": "Ask ann."}'),
    # A number, and a word of a letter or two, where a field names people.
    ("17", '{"annotations": [{"id": 4, "completed_by": 17}]}'),
    ("17", '{"annotations": [{"completed_by": {"id": 17, "email": "x"}}]}'),
    ("17", '{"annotator": 17.0}'),
    ("17", '{"worker": "17"}'),
    ("a", '{"annotator": "a", "preferred": "b"}'),
    # What is no JSON is searched as it is.
    ("ann", '{"annotator": "ann", "prompt": "Q'),
    ("17", '{"annotator": 17, "prompt": "Q'),
]

NOT_NAMED = [
    ("ann", '{"annotator": "joann", "prompt": "ann-1"}'),
    ("ann", '{"annotator": "ann-17", "source": "x.ann.y", "note": "ann.b"}'),
    ("ann", '{"n": 1e300, "m": ' + "9" * 400 + "}"),
    ("ann", '{"annotator": "Ann"}'),
    ("17", '{"id": 17, "rating": 17, "annotator": 170, "prompt": "17 apples"}'),
    ("1", '{"annotator": true}'),
    ("a", '{"prompt": "Name a colour.", "preferred": "a", "annotator": "b"}'),
]


@pytest.mark.parametrize(
    ("named", "name", "raw"),
    [*((True, *case) for case in NAMED), *((False, *case) for case in NOT_NAMED)],
)
def test_who_is_named(named, name, raw):
    assert Person(name).is_named_in(raw, is_csv=False) is named


@pytest.mark.parametrize(
    ("name", "cell", "named"),
    [
        ("ann", "ann", True),
        ("ann", '"ann"', True),
        ('a "b"', '"a ""b"""', True),
        ("17", "17", True),
        ("17", "170", False),
        ("17", "17 apples", False),
        ("w1", '"[{""worker"": ""w1"", ""value"": ""a1""}]"', True),
        ("17", '"[{""worker"": 17, ""value"": ""a1""}]"', True),
        ("ann", '"several\nlines, ann"', True),
        ("ann", "x" * 200_000, False),
    ],
)
def test_who_is_named_in_a_row_of_csv(name, cell, named):
    assert Person(name).is_named_in(CSV.format(cell), is_csv=True) is named


def test_a_released_row_of_a_csv_file_is_json():
    raw = json.dumps({"prompt": "a, b", "votes": [{"annotator": 'a "b"', "label": 1.0}]})
    assert Person('a "b"').is_named_in(raw, is_csv=True) is True


@pytest.mark.parametrize(
    ("raw", "is_csv"),
    [('{"annotator": "bo', False), ("[" * 10_000, False), ('a,"b', True), ('{"n": 1' + "0" * 5000, False)],
)
def test_nobody_can_tell(raw, is_csv):
    assert Person("ann").is_named_in(raw, is_csv=is_csv) is None


def test_a_name_is_hidden_in_records():
    record = {
        "message": "'ann' gave 9 of 10; ann's rows, not joann's",
        "findings": [{"message": '"o\'ann" is another', "figures": {"annotator": "ann", "share": 0.9}}],
        "count": 3,
    }
    hidden = Person("ann").hidden(record)
    assert hidden == {
        "message": "'[withdrawn]' gave 9 of 10; [withdrawn]'s rows, not joann's",
        "findings": [
            {"message": '"o\'[withdrawn]" is another', "figures": {"annotator": "[withdrawn]", "share": 0.9}}
        ],
        "count": 3,
    }


def test_a_number_is_hidden_where_it_is_a_name():
    record = {
        "message": "'17' gave 17 of 20 rows",
        "figures": {"annotator": "17", "votes": 17, "phrases": [{"phrase": "17"}]},
        "kappa": [{"annotators": ["17", "18"], "items": 17}],
    }
    assert Person("17").hidden(record) == {
        "message": "'[withdrawn]' gave 17 of 20 rows",
        "figures": {"annotator": "[withdrawn]", "votes": 17, "phrases": [{"phrase": "17"}]},
        "kappa": [{"annotators": ["[withdrawn]", "18"], "items": 17}],
    }


def test_a_name_is_hidden_as_messages_spell_it():
    assert Person("é-1").hidden(f"{'é-1'!a} prefers both") == "'[withdrawn]' prefers both"


@pytest.mark.parametrize("name", ["hold", "DOMINANT", "look", "pairwise", "labels", "first", "answer"])
def test_our_own_words_stay_whatever_a_person_is_called(name):
    record = {
        "code": "DOMINANT", "action": "hold", "remedy": "look at who they are",
        "figures": {"answer": "first", "shift": [{"kind": "pairwise", "what": "labels"}], "pairwise": {"items": 2}},
    }  # fmt: skip
    assert Person(name).hidden(record) == record
    told = {
        "message": f"'{name}' gave all",
        "figures": {"annotator": name, "phrases": [{"phrase": f"ask {name}"}]},
    }
    assert name not in str(Person(name).hidden(told))
