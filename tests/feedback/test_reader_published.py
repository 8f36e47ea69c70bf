"""Formats of published data sets, on small literal rows in the shape of the real files."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest


def _hh(chosen, rejected):
    return {"chosen": chosen, "rejected": rejected}


def test_hh_rlhf_shares_its_prompt(workspace):
    start = "\n\nHuman: Hi\n\nAssistant: Hello!\n\nHuman: Name a colour.\n\nAssistant:"
    row = workspace.only_row(_hh(f"{start} Blue.", f"{start} Seven.\n\nOr eight: who knows."))
    assert (row["source"], row["kind"]) == ("hh-rlhf", "pairwise")
    assert row["prompt"] == "User: Hi\n\nAssistant: Hello!\n\nUser: Name a colour."
    assert [turn["role"] for turn in row["messages"]] == ["user", "assistant", "user"]
    assert row["responses"] == ["Blue.", "Seven.\n\nOr eight: who knows."]
    assert row["votes"] == [{"annotator": None, "label": 1.0, "at": None}]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (_hh("\n\nHuman: A\n\nAssistant: x", "\n\nHuman: B\n\nAssistant: y"), "CHAT"),
        (
            _hh("\n\nHuman: A\n\nAssistant: x", "\n\nHuman: A\n\nAssistant: y\n\nHuman: B\n\nAssistant: z"),
            "CHAT",
        ),
        (_hh("\n\nHuman: A", "\n\nHuman: B"), "CHAT"),
        (_hh("\n\nAssistant: x", "\n\nAssistant: y"), "CHAT"),
        (_hh("no turns", "no turns"), "CHAT"),
        (_hh("\n\nHuman: A\n\nAssistant: x", "\n\nHuman: A\n\nAssistant:"), "EMPTY_RESP"),
        (_hh("\n\nHuman: A\n\nAssistant: x", "\n\nHuman: A\n\nAssistant: x "), "IDENTICAL"),
        (_hh("\n\nHuman: \n\nAssistant: x", "\n\nHuman: \n\nAssistant: y"), "EMPTY_PROMPT"),
        (_hh("\n\nHuman: A\n\nAssistant: x", 5), "TYPE"),
    ],
)
def test_hh_rlhf_faults(workspace, row, reason):
    sound = _hh("\n\nHuman: A\n\nAssistant: left", "\n\nHuman: A\n\nAssistant: right")
    assert workspace.fault(row, beside=sound)["reason"] == reason


PANDALM = {
    "idx": 4, "motivation_app": "Search", "cmp_key": "one_two", "instruction": "Translate to French.",
    "input": "Good day", "response1": "Bonjour", "response2": "Bonne nuit",
    "annotator1": 1, "annotator2": 2, "annotator3": 0,
}  # fmt: skip


def test_pandalm_is_one_row_with_three_votes(workspace):
    row = workspace.only_row(PANDALM)
    assert (row["row_id"], row["source"]) == ("4", "pandalm")
    assert row["prompt"] == "Translate to French.\n\nGood day"
    assert row["responses"] == ["Bonjour", "Bonne nuit"]
    votes = [(vote["annotator"], vote["label"]) for vote in row["votes"]]
    assert votes == [("pandalm-1", 1.0), ("pandalm-2", 0.0), ("pandalm-3", 0.5)]
    assert json.loads(row["meta"]) == {"motivation_app": "Search", "cmp_key": "one_two"}


@pytest.mark.parametrize("given", ["", "  ", None])
def test_pandalm_without_input(workspace, given):
    assert workspace.only_row(PANDALM | {"input": given})["prompt"] == "Translate to French."


def test_pandalm_with_an_input_alone(workspace):
    assert workspace.only_row(PANDALM | {"instruction": " "})["prompt"] == "Good day"


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        # The full set has six rows like this one: a response that is a number.
        ({"response1": 56.0}, "TYPE", "response1"),
        ({"response2": ""}, "EMPTY_RESP", "response2"),
        ({"annotator3": 3}, "RANGE", "annotator3"),
        ({"annotator3": None}, "MISSING_COL", "annotator3"),
        ({"instruction": " ", "input": ""}, "EMPTY_PROMPT", "instruction"),
    ],
)
def test_pandalm_faults(workspace, fields, reason, field):
    entry = workspace.fault(PANDALM | {"idx": 5, **fields}, beside=PANDALM)
    assert (entry["reason"], entry["field"]) == (reason, field)


def test_pandalm_repeats_and_contradictions(workspace):
    repeat = PANDALM | {"idx": 5, "cmp_key": "one_three"}
    mirrored = PANDALM | {
        "idx": 6, "response1": "Bonne nuit", "response2": "Bonjour", "annotator1": 2, "annotator2": 1,
    }  # fmt: skip
    # The first annotator's tie contradicts nothing; the second's change of mind does.
    other = PANDALM | {"idx": 7, "instruction": "Again.", "annotator1": 1, "annotator2": 1, "annotator3": 2}
    changed = other | {"idx": 8, "annotator1": 0, "annotator2": 2}
    softened = other | {"idx": 9, "instruction": "Thrice."}
    tie = softened | {"idx": 10, "annotator2": 0}
    result = workspace.ingest_rows(PANDALM, repeat, mirrored, other, changed, softened, tie)
    assert (result.accepted, result.quarantined, result.duplicates) == (3, 2, 2)
    assert workspace.rows(result)["row_id"].to_list() == ["4", "9", "10"]
    refused = [(entry["line"], entry["reason"]) for entry in workspace.refused(result)]
    assert refused == [(2, "DUPLICATE"), (3, "DUPLICATE"), (4, "SELF_CONFLICT"), (5, "SELF_CONFLICT")]
    assert (
        "'pandalm-2' prefers both responses, each once (lines 4 and 5)"
        in workspace.refused(result)[2]["message"]
    )


CONTEXT = [
    {"role": "prompter", "text": "Hi"},
    {"role": "assistant", "text": "Hello"},
    {"role": "prompter", "text": "Name a colour."},
]


def test_oasst_rankings(workspace):
    replies = [
        {"id": "u1", "rank": 1, "text": "Seven.", "review_count": 3, "synthetic": False},
        {"id": "u2", "rank": 0, "text": "Blue.", "review_count": 3, "synthetic": False},
    ]
    row = workspace.only_row({"context": CONTEXT, "replies": replies})
    assert (row["kind"], row["source"]) == ("ranking", "oasst-rankings")
    assert row["prompt"] == "User: Hi\n\nAssistant: Hello\n\nUser: Name a colour."
    assert (row["responses"], row["ranks"]) == (["Seven.", "Blue."], [2, 1])
    rest = [{"id": name, "review_count": 3, "synthetic": False} for name in ("u1", "u2")]
    assert json.loads(row["meta"]) == {"replies": rest}


def test_oasst_ranking_of_a_single_reply_is_none(workspace):
    sound = {"context": CONTEXT, "replies": [{"rank": 0, "text": "a"}, {"rank": 1, "text": "b"}]}
    entry = workspace.fault({"context": CONTEXT, "replies": [{"rank": 0, "text": "a"}]}, beside=sound)
    assert entry["reason"] == "RANGE"


def test_oasst_thumbs_are_votes_of_nobody_in_particular(workspace):
    row = workspace.only_row({"context": CONTEXT[:1], "text": "Hey", "up": 2, "down": 1})
    assert (row["kind"], row["prompt"], row["responses"]) == ("thumbs", "Hi", ["Hey"])
    assert row["votes"] == [{"annotator": None, "label": label, "at": None} for label in (1.0, 1.0, 0.0)]


@pytest.mark.parametrize(
    ("counts", "reason"),
    [({"up": 0, "down": 0}, "NO_VOTES"), ({"up": -1, "down": 2}, "RANGE"), ({"up": 10**9, "down": 0}, "RANGE"),
     ({"up": 1.5, "down": 0}, "TYPE")],
)  # fmt: skip
def test_oasst_thumbs_faults(workspace, counts, reason):
    sound = {"context": CONTEXT[:1], "text": "Hey", "up": 2, "down": 1}
    assert workspace.fault(sound | counts, beside=sound)["reason"] == reason


def test_ukpconvarg1(workspace):
    votes = [
        {"worker": "w1", "value": "a2", "at": "2016-01-31 16:59:52.0 UTC"},
        {"worker": "w2", "value": "equal", "at": "2016-02-01 00:00:00.0 UTC"},
        {"worker": "w3", "value": "a1", "at": "2016-02-01 00:00:00.0 UTC"},
    ]
    row = workspace.only_row(
        {"id": "x_y", "topic": "TV or books", "stance": "TV", "a1_id": "x", "a1": "Fun.", "a2_id": "y",
         "a2": "It moves.", "gold": None, "votes": votes}
    )  # fmt: skip
    assert (row["row_id"], row["kind"]) == ("x_y", "pairwise")
    assert row["prompt"] == "Argue for this stance.\nTopic: TV or books\nStance: TV"
    assert row["responses"] == ["Fun.", "It moves."]
    assert [(vote["annotator"], vote["label"]) for vote in row["votes"]] == [
        ("w1", 0.0),
        ("w2", 0.5),
        ("w3", 1.0),
    ]
    assert row["votes"][0]["at"] == datetime(2016, 1, 31, 16, 59, 52, tzinfo=UTC)
    assert json.loads(row["meta"]) == {"a1_id": "x", "a2_id": "y"}


@pytest.mark.parametrize("fields", [{"topic": ""}, {"stance": " "}])
def test_ukpconvarg1_without_a_side_to_argue_for(workspace, fields):
    votes = [{"worker": "w1", "value": "a2"}]
    sound = {"topic": "TV or books", "stance": "TV", "a1": "Fun.", "a2": "It moves.", "votes": votes}
    assert workspace.fault(sound | fields, beside=sound)["reason"] == "EMPTY_PROMPT"


def test_rankme_takes_quality_or_the_one_aspect_asked(workspace):
    row = {
        "setup": "stp1", "worker": "r1", "at": "11/4/2017 12:37:13", "mr": "name[Blue Spice]", "text": "Blue Spice.",
        "system": "slug", "scores": {"informativeness": 6.0, "naturalness": 5.0, "quality": 2.0},
    }  # fmt: skip
    natural = row | {"setup": "stp2", "scores": {"naturalness": 3.0}}
    other_system = row | {"system": "baseline"}
    result = workspace.ingest_rows(row, natural, other_system, row)
    assert (result.accepted, result.duplicates) == (3, 1)
    first, second, _ = workspace.rows(result).to_dicts()
    assert (first["prompt"], first["scale_min"], first["scale_max"]) == ("name[Blue Spice]", 1.0, 6.0)
    assert first["votes"] == [{"annotator": "r1", "label": 2.0, "at": None}]
    meta = json.loads(first["meta"])
    assert (meta["aspect"], meta["at"]) == ("quality", "11/4/2017 12:37:13")
    assert meta["scores"] == {"informativeness": 6.0, "naturalness": 5.0}
    assert second["votes"][0]["label"] == 3.0
    assert json.loads(second["meta"])["aspect"] == "naturalness"


@pytest.mark.parametrize(
    ("scores", "reason"),
    [({"quality": 7.0}, "RANGE"), ({"quality": None}, "MISSING_COL"), ({}, "MISSING_COL")],
)
def test_rankme_faults(workspace, scores, reason):
    sound = {"mr": "m", "text": "t", "worker": "w", "scores": {"quality": 1.0}}
    assert workspace.fault(sound | {"worker": "v", "scores": scores}, beside=sound)["reason"] == reason


def test_sentence_polarity(workspace):
    row = workspace.only_row({"id": "rt-neg-1", "text": "dull .", "thumbs_up": False})
    assert row["prompt"] == "Write one sentence of a favourable film review."
    assert (row["kind"], row["responses"], row["votes"][0]["label"]) == ("thumbs", ["dull ."], 0.0)
