"""Feedback that repeats the evaluation set: whole, or thirteen words of it in a row."""

from __future__ import annotations

from pathlib import Path

import pytest
from batch_files import PAIR, Workspace, lines

from components.config import FeedbackParams
from components.errors import FeedbackError
from components.feedback.fields import Fields
from components.feedback.ingestion import ingest_file
from components.feedback.readers.pairwise import read
from components.feedback.reasons import REMEDIES, Reason
from components.feedback.rules import Rules

OTHER = PAIR | {"prompt": "Another colour?"}
HELD_OUT = "Explain in five sentences why the sky is blue at noon and red in the evening, please."


IS, REPEATS = "is the evaluation prompt of", "repeats 13 words of the evaluation prompt of"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"prompt": HELD_OUT}, f"{IS} held_out.jsonl line 1"),
        ({"prompt": "  NAME the ocean! "}, f"{IS} held_out.jsonl line 2"),
        ({"prompt": [{"role": "system", "content": "So."}, {"role": "user", "content": "Name the ocean?"}]},
         f"{IS} held_out.jsonl line 2"),
        ({"prompt": f"You there! {HELD_OUT.upper()} Thanks."}, f"{REPEATS} held_out.jsonl line 1"),
        ({"rejected": "“Explain in five sentences why the sky is blue at noon - and red in the”"},
         f"{REPEATS} held_out.jsonl line 1"),
        ({"rejected": "ｅｘｐｌａｉｎ in five sentences,\nwhy the sky is blue at noon and red"},
         f"{REPEATS} held_out.jsonl line 1"),
        ({"chosen": "為什麼天空在中午是藍色的而在晚上是紅色的呢"}, f"{REPEATS} held_out.jsonl line 3"),
    ],
)  # fmt: skip
def test_what_is_in_the_evaluation_set_is_quarantined(workspace, fields, told):
    params = _held_out(workspace)
    path = workspace.write("batch.jsonl", lines([PAIR, OTHER | fields]))
    result = ingest_file(path, workspace.root, params=params)
    (entry,) = workspace.refused(result)
    (field,) = fields
    assert (entry["line"], entry["reason"], entry["field"]) == (2, "EVAL_LEAK", field)
    assert entry["message"] == f"batch.jsonl line 2: {field}: {told}; {REMEDIES[Reason.EVAL_LEAK]}"


@pytest.mark.parametrize(
    "fields",
    [
        {"prompt": "Explain in five sentences why the sky is blue at noon."},
        {"rejected": "Name the ocean!"},
        {"prompt": "Name the ocean that lies west of Africa."},
    ],
)
def test_what_shares_fewer_words_with_the_evaluation_set_passes(workspace, fields):
    rules = Rules.of(_held_out(workspace), workspace.folder)
    assert rules.check(read(Fields(OTHER | fields))) == ()


def test_lines_of_evaluation_prompts_end_where_json_ends_them(workspace):
    workspace.write("odd.jsonl", '\ufeff{"prompt": "one\u2028line\x85here"}\r\n\n{"prompt": "another"}\n')
    rules = Rules.of(FeedbackParams(evaluation_prompts=(Path("odd.jsonl"),)), workspace.folder)
    assert rules.evaluation.whole == {"one line here": "odd.jsonl line 1", "another": "odd.jsonl line 3"}


def test_evaluation_prompts_that_cannot_be_read(workspace):
    cases = {
        "nothing.jsonl": None,
        "bad.jsonl": '{"prompt": "a"}\n{"text": "b"}\n',
        "worse.jsonl": "prompt\n",
    }
    for name, content in cases.items():
        if content is not None:
            workspace.write(name, content)
        with pytest.raises(FeedbackError, match=name) as caught:
            Rules.of(FeedbackParams(evaluation_prompts=(Path(name),)), workspace.folder)
        assert "feedback.evaluation_prompts" in caught.value.remedy


def _held_out(workspace: Workspace) -> FeedbackParams:
    prompts = [
        HELD_OUT,
        "Name the ocean.",
        [{"role": "user", "content": "為什麼天空在中午是藍色的而在晚上是紅色的？"}],
    ]
    workspace.write("held_out.jsonl", lines([{"prompt": prompt} for prompt in prompts]))
    return FeedbackParams(evaluation_prompts=(Path("held_out.jsonl"),))
