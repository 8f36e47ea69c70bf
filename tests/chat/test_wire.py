"""What comes over the wire: only from where it may, within bounds, and nothing is done with the rest."""

from __future__ import annotations

import json

import httpx
import pytest
from chat.chat_case import PROMPT, Visitor, signed, thumbs

from flows.chat.reading import MOST_BODY_BYTES

ASKED = {"model": "champion", "messages": [{"role": "user", "content": PROMPT}], "max_tokens": 1}


def post(server, path="/v1/chat/completions", **options):
    # Certificates would be read for nothing.
    return httpx.post(server.address + path, verify=False, **({"json": ASKED} | options))  # noqa: S501


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "", "127.0.0.1:1"])
def test_a_foreign_host_is_refused(server, visitor, host):
    assert post(server, headers={"Host": host}).status_code == 403
    assert httpx.get(server.address, headers={"Host": host}).status_code == 403
    assert httpx.get(f"{server.address}/v1/models", headers={"Host": host}).json()["error"]["type"] == (
        "permission_error"
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_site_s_page_can_ask_and_store_nothing(server, project, visitor, headers):
    answer = signed(visitor.ask())
    before = len(thumbs(project))
    assert post(server, headers=headers).json()["error"]["message"] == "refused: bad origin"
    for path, body in (("/thumb", {"answer": answer, "thumb": "up"}), ("/answer", {})):
        response = visitor.client.post(path, json=body, headers=headers)
        assert (response.status_code, "another site" in response.text) == (403, True)
    assert len(thumbs(project)) == before


def test_a_program_names_no_origin_and_may_ask_but_not_give_thumbs(server, visitor):
    assert post(server).status_code == 200
    del visitor.client.headers["Origin"]
    assert visitor.send().status_code == 403


def test_every_response_bears_the_policy(server):
    paths = ("/", "/static/chat.js", "/nowhere", "/v1/models", "/v1/nothing")
    answers = [httpx.get(server.address + path) for path in paths]
    assert [answer.status_code for answer in answers] == [200, 200, 404, 200, 404]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert "connect-src 'self'" in policy
        assert "unsafe" not in policy
        assert "access-control-allow-origin" not in answer.headers
    assert answers[-1].json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"x" * (MOST_BODY_BYTES + 1), "application/json", 413),
        (b"{}", "text/plain", 415),
        (b"[]", "application/json", 400),
        (b"{", "application/json", 400),
        (b'{"a": "\xff"}', "application/json", 400),
        (b'{"model": "champion", "prompt": "x", "temperature": NaN}', "application/json", 400),
        (b'{"model": "champion", "prompt": "\\ud800"}', "application/json", 400),
        (b'{"model": "champion", "prompt": [1, 2, 3]}', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
    ],
)
def test_a_body_out_of_bounds_is_refused_in_words(server, content, kind, status):
    response = post(server, "/v1/completions", json=None, content=content, headers={"Content-Type": kind})
    assert response.status_code == status
    assert response.json()["error"]["type"] == "invalid_request_error"


def test_a_body_without_a_length_is_bounded_too(server):
    parts = (b"x" * 65_536 for _ in range(20))
    headers = {"Content-Type": "application/json"}
    assert post(server, json=None, content=parts, headers=headers).status_code == 413


@pytest.mark.parametrize(
    "options",
    [
        {"temperature": 3},
        {"max_tokens": 0},
        {"seed": -1},
        {"prompt": ""},
        {"prompt": "\ud800"},
        {"model": "sft"},
    ],
)
def test_the_page_s_questions_are_checked_too(visitor, options):
    body = {"model": "champion", "prompt": "p", "temperature": 1, "max_tokens": 1, "seed": 1} | options
    # As ASCII: half a surrogate pair has no other spelling.
    headers = {"Content-Type": "application/json"}
    response = visitor.client.post("/answer", content=json.dumps(body), headers=headers)
    assert (response.status_code, response.json()["error"]) == (422, "bad_question")
    assert response.json()["what"] in options


def test_nobody_without_a_visit_gets_an_answer_on_the_page(server):
    stranger = Visitor(server.address)
    stranger.client.cookies.clear()
    assert stranger.send().json()["error"] == "no_session"
    assert stranger.thumb("x", "up").json()["error"] == "no_session"
    stranger.client.cookies.set("chat", "forged.aaaa.bbbb")
    assert stranger.send().status_code == 403
