"""Rules about texts, one text at a time: what they refuse, what they tag, and what only looks like it."""

from __future__ import annotations

import time

import polars as pl
import pytest

from benchmarks.hostile.texts import LEGITIMATE, REFUSED, SECRETS, TAGGED
from components.feedback.reasons import BatchError, Reason
from components.feedback.rules import check_refused
from components.feedback.rules.rules import REFUSING, TAGGING
from components.feedback.rules.secrets import SECRET

RULES = (SECRET, *REFUSING, *TAGGING)


def _found(text):
    """Codes of all rules that object to a text."""
    return [str(rule.code) for rule in RULES if rule.find(text)]


@pytest.mark.parametrize(("code", "text"), [*REFUSED, *TAGGED, *(("SECRET", text) for text in SECRETS)])
def test_each_is_found_also_inside_other_text(code, text):
    assert code in _found(text)
    if code != "FORMULA":
        assert code in _found(f"Blue, I think.\n{text}\nOr green.")


@pytest.mark.parametrize(("code", "text"), TAGGED)
def test_what_is_tagged_is_not_refused(code, text):
    assert _found(text) == [code]


@pytest.mark.parametrize("text", LEGITIMATE)
def test_what_only_looks_like_it_is_not_found(text):
    assert _found(text) == []


@pytest.mark.parametrize("text", SECRETS)
def test_secrets_are_found_in_raw_records_too(text):
    raw = '{"prompt": "a\\n' + text.replace("\n", "\\n").replace('"', '\\"') + '\\n"}'
    with pytest.raises(BatchError) as caught:
        check_refused(raw)
    assert caught.value.code == "SECRET"


@pytest.mark.parametrize("text", [text for _, text in REFUSED] + SECRETS)
def test_messages_are_ascii_and_keep_what_is_private_to_themselves(text):
    for rule in RULES:
        message = rule.find(text)
        if message is not None:
            assert message.isascii()
            assert message.isprintable()
        if message is not None and rule.code in (Reason.SECRET, Reason.PII):
            assert not any(len(word) > 8 and word in message for word in text.split())


def _suspects(rule, texts):
    return pl.Series(texts, dtype=pl.String).str.contains(rule.hint).to_list()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.find.__name__)
def test_the_hint_matches_all_that_the_rule_finds(rule):
    texts = [text for _, text in (*REFUSED, *TAGGED)] + SECRETS + LEGITIMATE
    for text, suspect in zip(texts, _suspects(rule, texts), strict=True):
        assert suspect or not rule.find(text), text


MILLION = 1 << 20
HOSTILE = {
    "letters": "a" * MILLION,
    "digits": "1" * MILLION,
    "spaced digits": "+1 2" * (MILLION // 4),
    "fours": "4111 " * (MILLION // 5),
    "dashed": "415-555-" * (MILLION // 8),
    "plus": "+" * MILLION,
    "plus digits": "+1" + "23" * (MILLION // 2),
    "at": "@" * MILLION,
    "addresses that fail": ("a" * 63 + " @") * (MILLION // 65),
    "domains": "a@" + "a." * (MILLION // 2),
    "hyphens in a domain": "a@" + ("a" + "-" * 61 + ".") * (MILLION // 63),
    "tags": "<div " * (MILLION // 5),
    "open tags": "<div" + " a" * (MILLION // 2),
    "closing": "</" * (MILLION // 2),
    "braces": "{{" * (MILLION // 2),
    "dunders": "{{__" * (MILLION // 4),
    "templates": "{{ prompt" * (MILLION // 9),
    "statements": "{% for " * (MILLION // 7),
    "backticks": "`" * MILLION,
    "fences": "```a``" * (MILLION // 6),
    "blanks": " " * MILLION,
    "lines": "\n" * MILLION,
    "roles": "\nHuman " * (MILLION // 7),
    "tokens": "<|" * (MILLION // 2),
    "bars": "<|" + "a" * MILLION,
    "words in two scripts": "aа" * (MILLION // 3),
    "marks": "a" + "\u0301" * (MILLION // 2),
    "zero width": "a\u200b" * (MILLION // 4),
    "keys": "BEGIN PRIVATE KEY-----\n" * (MILLION // 23),
    "headers": "BEGIN PRIVATE KEY-----\n" + "Proc-Type: 4\n" * (MILLION // 13),
    "capitals": "BEGIN " + "A " * (MILLION // 2),
    "jwt": "eyJaaaaaaaaaaaaa." * (MILLION // 17),
    "jwts": "eyJ" + "a" * MILLION,
    "sk": "sk-" * (MILLION // 3),
    "flags": "\U0001f3f4\U000e0067" * (MILLION // 8),
    "equals": "=" * MILLION,
    "numbers": "-1" + ",1" * (MILLION // 2),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_of_a_mebibyte_takes_long(name):
    text = HOSTILE[name]
    for rule in RULES:
        started = time.process_time()
        rule.find(text)
        # Linear rules take some 0.02 s; one that tries all ways to read a text takes hours.
        assert time.process_time() - started < 2, rule.find.__name__
