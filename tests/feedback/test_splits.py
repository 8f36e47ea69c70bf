"""Splits and roles: decided by the prompt alone, for good."""

import hashlib
import unicodedata
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.feedback.splits import normalise_prompt, role_of, split_of

PROMPTS = [f"Question number {number}?" for number in range(5000)]


def test_shares_are_met_and_roles_are_independent_of_splits() -> None:
    splits = [split_of(prompt, 0.1, 0.2) for prompt in PROMPTS]
    judged = [role_of(prompt, 0.4) == "judge" for prompt in PROMPTS]
    assert splits.count("validation") / 5000 == pytest.approx(0.1, abs=0.015)
    assert splits.count("test") / 5000 == pytest.approx(0.2, abs=0.02)
    for split in ("train", "validation", "test"):
        of_split = [judge for judge, name in zip(judged, splits, strict=True) if name == split]
        assert sum(of_split) / len(of_split) == pytest.approx(0.4, abs=0.06)


def test_the_hash_is_the_one_that_is_documented() -> None:
    """SHA-256 of salt, line break and normalised prompt: a change would move prompts of running projects."""
    first_bytes = hashlib.sha256(b"split 1\nwhat is a fjord?").digest()[:8]
    position = int.from_bytes(first_bytes, "big") / 2**64
    assert split_of("What is a  fjord?", 0.1, position + 1e-6) == "test"
    assert split_of("What is a  fjord?", 2e-6, position - 1e-6) == "validation"
    assert split_of("What is a  fjord?", 1e-9, position - 1e-6) == "train"


@pytest.mark.parametrize(
    "twin",
    ["what is a FIORD?", "  What\tis a\n\nfiord? ", "What is a fiord\uff1f", "Ｗｈａｔ is a ﬁord?"],
)
def test_the_same_prompt_in_other_dress_is_the_same(twin: str) -> None:
    assert normalise_prompt(twin) == normalise_prompt("What is a fiord?")


@given(st.text(max_size=40))
def test_normalising_is_settled_after_once(text: str) -> None:
    assert normalise_prompt(normalise_prompt(text)) == normalise_prompt(text)


def test_a_larger_validation_share_moves_nothing_into_or_out_of_test() -> None:
    before = {prompt for prompt in PROMPTS if split_of(prompt, 0.1, 0.2) == "test"}
    after = {prompt for prompt in PROMPTS if split_of(prompt, 0.3, 0.2) == "test"}
    assert before == after


def test_a_larger_test_share_takes_prompts_and_gives_none_back() -> None:
    before = {prompt for prompt in PROMPTS if split_of(prompt, 0.1, 0.1) == "test"}
    after = {prompt for prompt in PROMPTS if split_of(prompt, 0.1, 0.2) == "test"}
    assert before < after


SHARES = st.floats(min_value=0.01, max_value=0.4)
#: Latin, Greek and Cyrillic, digits, marks, full-width letters and a ligature. No Turkish i: there case is a letter.
LETTERS = st.text("abxyzÀÉüñç\u00e5αβωджя0157?!.,-ＡｂＺ？\ufb01", min_size=1, max_size=6)
SPACES = st.sampled_from([" ", "  ", "\t", "\n", "\u00a0", "\u3000"])
DRESSES = st.sampled_from(
    [str, str.upper, str.lower, str.casefold]
    + [partial(unicodedata.normalize, form) for form in ("NFC", "NFD", "NFKC", "NFKD")]
)


@given(st.lists(LETTERS, min_size=1, max_size=4), st.data(), SHARES, SHARES, SHARES)
def test_spellings_of_one_prompt_are_on_one_side(words, data, validation, test, judge) -> None:
    """Other case, other spaces, other forms of the same letters."""

    def side_of_a_spelling():
        text = data.draw(SPACES).join(data.draw(DRESSES)(word) for word in words)
        return split_of(text, validation, test), role_of(text, judge)

    assert side_of_a_spelling() == side_of_a_spelling()
