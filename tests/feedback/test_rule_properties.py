"""Whatever a draft holds: the quick look misses nothing, and a check ends in tags or in a reason."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from batch_files import lines
from hypothesis import given, settings
from hypothesis import strategies as st

from components.config import FeedbackParams
from components.feedback.draft import Draft, Message, PromptText, Vote
from components.feedback.reasons import ROW_TAGS, BatchError, Reason, RowError
from components.feedback.rules import Rules
from components.feedback.rules.rules import REFUSING, TAGGING
from components.feedback.rules.secrets import SECRET

RULES = (SECRET, *REFUSING, *TAGGING)

#: Pieces of what rules look for, so that random texts come near it.
PIECES = [
    "@", ".", "a", "b.com", "+", "1", "4111", " ", "-", "(", ")", "555", "<", ">", "</", "script", "=",
    "{{", "}}", "{%", "prompt", "%}", "\n",
    "Human", ":", "###", "Response", "<|", "|>", "s", "[INST]", "\u200b", "\u200d", "\u0430", "\u03bf",
    "\u0301", "e", "İ", "ſ", "K", "０",
    "٣", "\x00", "\u202e", "\U000e0041", "\U000e0101", "AKIA", "ABCDEFGHIJKLMNOP", "sk-", "ghp_", "x" * 40,
    "a1B2" * 9, "BEGIN PRIVATE KEY-----",
    "eyJ", "`", "javascript:", "J", "\u2028", "\x1c", "\x85", "́", "ß", "ﬁ",
]  # fmt: skip
NEAR = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3)), max_size=12).map("".join)


@settings(max_examples=400)
@given(st.lists(NEAR, min_size=1, max_size=20))
def test_the_hint_matches_all_that_the_rule_finds_in_random_texts(texts):
    for rule in RULES:
        suspects = pl.Series(texts, dtype=pl.String).str.contains(rule.hint)
        for text, suspect in zip(texts, suspects, strict=True):
            assert suspect or not rule.find(text), (rule.code, text)


NAMES = st.one_of(st.none(), NEAR)
TIMES = st.one_of(st.none(), st.datetimes(timezones=st.just(UTC)))
PROMPTS = st.one_of(
    st.builds(PromptText, NEAR),
    st.builds(
        PromptText,
        NEAR,
        st.lists(st.builds(Message, st.just("user"), NEAR), min_size=1, max_size=3).map(tuple),
    ),
)
META = st.recursive(
    st.one_of(NEAR, st.none(), st.integers()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NEAR, inner, max_size=3)),
    max_leaves=5,
)


@st.composite
def drafts(draw):
    responses = tuple(draw(st.lists(NEAR, max_size=3)))
    return Draft(
        kind=draw(st.sampled_from(["pairwise", "rating", "thumbs", "ranking", "demonstration", "edit"])),
        prompt=draw(PROMPTS),
        responses=responses,
        response_names=tuple(f"responses[{place}]" for place in range(len(responses))),
        votes=tuple(draw(st.lists(st.builds(Vote, NAMES, st.floats(0, 1), TIMES), max_size=2))),
        ranks=draw(st.one_of(st.none(), st.lists(st.integers(-1, 3), max_size=3).map(tuple))),
        row_id=draw(NAMES),
        annotator=draw(NAMES),
        created_at=draw(TIMES),
        source=draw(NAMES),
        meta=draw(st.dictionaries(st.sampled_from(["note", "schema_version"]), META)),
    )


@pytest.fixture(scope="module")
def rules(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rules")
    prompts = ["a b.com", "script", " ".join(PIECES[:40])]
    (folder / "held_out.jsonl").write_text(
        lines([{"prompt": prompt} for prompt in prompts]), encoding="utf-8"
    )
    params = FeedbackParams(languages=("en",), evaluation_prompts=(Path("held_out.jsonl"),), max_tokens=30)
    return Rules.of(params, folder)


def _outcome(rules, draft, plain):
    try:
        return rules.check(draft, plain)
    except (RowError, BatchError) as error:
        return error.code, str(error)


@settings(max_examples=600)
@given(draft=drafts())
def test_a_check_ends_in_tags_or_a_reason_and_is_the_same_for_plain_drafts(rules, draft):
    exact = _outcome(rules, draft, plain=False)
    assert set(exact) <= ROW_TAGS or (isinstance(exact[0], Reason) and exact[1].isascii())
    if not rules.suspicious(pl.Series(rules.texts(draft), dtype=pl.String)).any():
        assert _outcome(rules, draft, plain=True) == exact


@settings(max_examples=200)
@given(
    texts=st.lists(
        st.one_of(NEAR, st.lists(st.sampled_from(PIECES[:40])).map(" ".join)), min_size=1, max_size=20
    )
)
def test_the_quick_look_sees_all_evaluation_prompts(rules, texts):
    suspects = rules.evaluation.may_be_in(pl.Series(texts, dtype=pl.String))
    for text, suspect in zip(texts, suspects, strict=True):
        assert suspect or rules.evaluation.found_in(text, is_prompt=True) is None


def test_times_have_their_limits():
    at = datetime(2015, 1, 1, tzinfo=UTC)
    draft = Draft("thumbs", PromptText("p"), ("r",), ("response",), (Vote(None, 1.0, at),), created_at=at)
    assert Rules.of(FeedbackParams(), Path()).check(draft) == ()
