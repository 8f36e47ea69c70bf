"""`rlhf collect ...` as people give it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from collecting.collect_case import PROJECT, Person, add, lines, pairs, serving

from components.errors import RlhfError
from flows.collect.words import CHINESE, ENGLISH
from flows.web.addresses import addresses_of, checked_address
from flows.web.languages import language_of
from flows.web.server import listen


def test_from_pairs_to_the_inbox(rlhf, root):
    (root / "p.jsonl").write_text("".join(json.dumps(row) + "\n" for row in pairs(4, gold=1)))
    assert rlhf("tasks", "p.jsonl").exit_code == 0
    found = rlhf("invite", "ann", "--address", "https://judge.example.org", "--json")
    assert json.loads(found.stdout.splitlines()[0])["link"].startswith("https://judge.example.org/join/")
    path = json.loads(rlhf("invite", "ann", "--json").stdout.splitlines()[0])["link"].partition("4300")[2]
    with serving(root) as page:
        person = Person(page.address, path)
        person.judge("left", strength="slightly", stars_left="4")
        person.judge("tie")
        assert page.end(signal.SIGINT) == 0
    status = json.loads(rlhf("status", "--json").stdout.splitlines()[0])
    assert (status["judgements"], status["to_export"], status["annotators"][0]["name"]) == (2, 2, "ann")
    written = [json.loads(line) for line in rlhf("export", "--to-inbox", "--json").stdout.splitlines()]
    assert [entry["rows"] for entry in written] == [2, 1]
    assert all(Path(entry["file"]).parent == root / "data/inbox" for entry in written)
    assert lines(Path(written[0]["file"]))[0]["strength"] == 0.5
    assert rlhf("export", "again.jsonl", "--json").stdout == ""
    assert not (root / "again.jsonl").exists()


def test_refused_rows_are_told_with_status_3(rlhf, root):
    (root / "p.jsonl").write_text('{"prompt": "p", "response_a": "a"}\n')
    result = rlhf("tasks", "p.jsonl")
    assert result.exit_code == 3
    assert "p.jsonl line 1: response_b: is missing; add the field to this row" in result.output


@pytest.mark.parametrize("words", [("export",), ("export", "x.jsonl", "--to-inbox"), ("export", "x.csv")])
def test_an_export_goes_to_one_place(rlhf, words):
    assert rlhf(*words).exit_code == 2


def test_a_link_is_ended_and_a_name_that_ingestion_refuses_gets_none(rlhf):
    assert rlhf("invite", "ann").exit_code == 0
    assert "no longer" in rlhf("invite", "ann").output
    assert rlhf("invite", "ann", "--revoke").exit_code == 0
    for words in (("nobody", "--revoke"), ("ann@example.com",), ("a\nb",)):
        assert isinstance(rlhf("invite", *words).exception, RlhfError)


def test_serving_at_a_port_that_is_taken_names_the_remedy():
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(RlhfError, match="cannot listen") as caught,
    ):
        listen("127.0.0.1", taken.getsockname()[1], "collect.port")
    assert "--port" in caught.value.remedy


def test_another_host_than_loopback_is_said_aloud(root):
    command = [sys.executable, "-m", "flows.cli", "collect", "serve", "--host", "0.0.0.0", "--port", "0"]  # noqa: S104
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    refused = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 1
    assert "warning: everybody who reaches 0.0.0.0" in refused.stderr
    assert "--address" in refused.stderr


def test_the_help_says_what_another_host_wants(rlhf):
    said = " ".join(rlhf("serve", "--help").output.split())
    assert "Beyond loopback put a proxy in front" in said


def test_where_the_page_is_known():
    assert addresses_of("127.0.0.1", 4300, None) == {
        "http://127.0.0.1:4300",
        "http://localhost:4300",
        "http://[::1]:4300",
    }
    assert addresses_of("192.168.1.5", 80, None) == {"http://192.168.1.5"}
    assert addresses_of("127.0.0.1", 4300, "https://Judge.example.org:443/") == {"https://judge.example.org"}
    for text in ("judge.example.org", "https://a/b", "ftp://a", "https://a@b"):
        with pytest.raises(RlhfError, match="no address"):
            checked_address(text)


def test_behind_https_the_cookie_goes_nowhere_else(root, monkeypatch):
    from collecting.collect_case import link, store_of
    from starlette.testclient import TestClient

    from components.collecting.assignment import Plan
    from components.config import FeedbackParams
    from components.feedback.rules import Rules
    from flows.collect.app import Collecting, make_app

    add(root, pairs(1))
    known = frozenset({"https://judge.example.org"})
    rules = Rules.of(FeedbackParams(), root)
    page = make_app(Collecting(store_of(root), Plan(7, 1, 0.0), rules, known, "zh"))
    client = TestClient(page, base_url="https://judge.example.org")
    response = client.get(link(root, "ann"), follow_redirects=False)
    assert response.headers["set-cookie"].startswith("__Host-collect=")
    assert "Secure" in response.headers["set-cookie"]
    assert '<html lang="zh">' in client.get("/").text


def test_both_languages_say_everything():
    assert ENGLISH.keys() == CHINESE.keys()
    for key, text in ENGLISH.items():
        holes = {part.partition("}")[0] for part in text.split("{")[1:]}
        assert holes == {part.partition("}")[0] for part in CHINESE[key].split("{")[1:]}, key


@pytest.mark.parametrize(
    ("chosen", "accepted", "default", "expected"),
    [
        ("zh", "en", "en", "zh"),
        (None, "de, zh-TW;q=0.8, en;q=0.7", "en", "zh"),
        ("xx", "", "zh", "zh"),
        (None, "fr", "zh", "zh"),
        ("<b>", ";;,,", "en", "en"),
    ],
)
def test_which_language(chosen, accepted, default, expected):
    assert language_of(chosen, accepted, default) == expected
