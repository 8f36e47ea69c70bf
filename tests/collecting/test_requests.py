"""What comes over the wire: only invited people, their own forms, from this page; anything else stores nothing."""

from __future__ import annotations

import socket
import sqlite3
import zlib

import httpx
import pytest
from collecting.collect_case import DATABASE, Person, add, judgements, link, pairs, store_of

from components.collecting.people import revoke
from components.pages.page import visible
from flows.collect.forms import MOST_BODY_BYTES


@pytest.fixture(scope="module", autouse=True)
def filled(shared_root):
    add(shared_root, pairs(40))


@pytest.fixture
def person(page, shared_root, request):
    return Person(page.address, link(shared_root, name_of(request.node.name)))


def name_of(test):
    return test if len(test) < 20 else f"person {zlib.crc32(test.encode())}"


def stored(root, name):
    found = (
        store_of(root)
        .reading()
        .execute(
            "SELECT j.* FROM judgements j JOIN annotators a ON a.number = j.annotator WHERE a.name = ?",
            (name_of(name),),
        )
    )
    return [dict(row) for row in found]


def test_a_link_opens_a_session_at_a_clean_address(page, shared_root):
    path = link(shared_root, "clean")
    response = httpx.get(page.address + path)
    assert (response.status_code, response.headers["location"]) == (303, "/?opened")
    cookie = response.headers["set-cookie"].lower()
    assert all(part in cookie for part in ("httponly", "samesite=strict", "path=/"))
    assert path.rpartition("/")[2] not in str(response.headers)


def test_the_token_is_nowhere_on_the_disk(page, shared_root):
    token = link(shared_root, "secret").rpartition("/")[2]
    Person(page.address, f"/join/{token}")
    httpx.get(f"{page.address}/join/{token}x")
    files = [path for path in shared_root.rglob("*") if path.is_file()]
    assert any(path.name == "serve.log" for path in files)
    assert not [path for path in files if token.encode() in path.read_bytes()]
    assert (shared_root / DATABASE).stat().st_mode & 0o077 == 0


def test_without_a_link_there_is_nothing(page, shared_root):
    assert httpx.get(page.address + "/").status_code == 403
    assert httpx.get(page.address + "/back").status_code == 403
    assert httpx.get(page.address + "/join/guessed").status_code == 403
    sent = httpx.post(page.address + "/judge", data={"choice": "left"}, headers={"Origin": page.address})
    assert sent.status_code == 403
    assert "Please open the link" in sent.text


def test_a_revoked_link_and_a_renewed_one_end_their_sessions(page, shared_root):
    for end in (lambda: revoke(store_of(shared_root), "gone"), lambda: link(shared_root, "gone")):
        path = link(shared_root, "gone")
        person = Person(page.address, path)
        form = person.form
        end()
        assert person.judge("left").status_code == 403
        assert form
        assert httpx.get(page.address + path).status_code == 403
    assert stored(shared_root, "gone") == []


def test_who_comes_from_a_mail_is_led_on(page, shared_root):
    """A strict cookie is not sent along with the redirect then; it is when our own page leads on."""
    response = httpx.get(page.address + "/", headers={"Sec-Fetch-Site": "cross-site"})
    assert response.status_code == 200
    assert 'http-equiv="refresh"' in response.text


def test_every_response_bears_the_policy(page, person):
    answers = [
        person.client.get("/"),
        person.client.get("/static/collect.js"),
        person.client.get("/nowhere"),
        person.client.get("/join/x"),
        person.client.get("/", headers={"Host": "evil.example"}),
        person.client.put("/judge"),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 404, 403, 403, 405]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        kept = "immutable" if answer.url.path.startswith("/static/") else "no-store"
        assert kept in answer.headers["cache-control"]
        assert "server" not in answer.headers


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1", "", "127.0.0.1:1"])
def test_a_foreign_host_is_refused(page, person, host, request, shared_root):
    data = {"form": person.form, "choice": "left"}
    response = person.client.post("/judge", data=data, headers={"Host": host})
    assert response.status_code == 403
    assert stored(shared_root, request.node.name) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_a_foreign_origin_is_refused(page, person, headers, request, shared_root):
    data = {"form": person.form, "choice": "left"}
    response = person.client.post("/judge", data=data, headers=headers)
    assert response.status_code == 403
    assert "another site" in response.text
    assert stored(shared_root, request.node.name) == []


def test_what_names_no_origin_at_all_is_refused(page, person, request, shared_root):
    del person.client.headers["Origin"]
    assert person.judge("left").status_code == 403
    assert stored(shared_root, request.node.name) == []


def test_another_person_s_form_and_a_forged_one_are_refused(page, person, request, shared_root):
    other = Person(page.address, link(shared_root, "other"))
    again = Person(page.address, link(shared_root, "forger"))
    for form in (other.form, again.form, "", "x" * 100_000, person.form[:-1], person.form[:-2] + "zz", "["):
        response = person.client.post("/judge", data={"form": form, "choice": "left"})
        assert response.status_code == 403
        assert "not one that you were given" in response.text
    assert stored(shared_root, request.node.name) == stored(shared_root, "other") == []


def test_a_form_of_the_same_person_in_another_browser_is_refused(page, shared_root):
    path = link(shared_root, "two browsers")
    first, second = Person(page.address, path), Person(page.address, path)
    response = first.client.post("/judge", data={"form": second.form, "choice": "left"})
    assert response.status_code == 403
    assert stored(shared_root, "two browsers") == []


def test_the_same_again_stores_once_and_a_replay_with_another_answer_nothing(person, request, shared_root):
    data = {"form": person.form, "choice": "left", "strength": "slightly"}
    answers = [person.client.post("/judge", data=data) for _ in range(3)]
    assert [answer.url.query for answer in answers] == [b"said=stored", b"said=again", b"said=again"]
    replay = person.client.post("/judge", data=data | {"choice": "right"})
    assert replay.status_code == 409
    assert "nothing was changed" in replay.text
    (row,) = stored(shared_root, request.node.name)
    assert (row["revision"], row["strength"]) == (1, 0.5)


def test_back_changes_the_last_one_in_place(person, request, shared_root):
    person.judge("left", comment="first thought")
    after = person.texts
    person.page = person.client.get("/back").text
    assert "first thought" in person.page
    assert 'value="left" checked' in person.page
    person.judge("bad", comment="second thought")
    (row,) = stored(shared_root, request.node.name)
    assert (row["verdict"], row["comment"], row["revision"]) == ("bad", "second thought", 2)
    # The pair that was open meanwhile is still the next one.
    assert person.texts == after


def test_stars_edits_and_skips_arrive(person, request, shared_root):
    left = person.texts[1]
    person.judge("left", stars_left="5", stars_right="1", edit_left=left.replace("\n", "\r\n") + " More.")
    person.judge("skip", action="skip")
    # An answer that comes back as it was is no edit, whatever became of its line ends.
    right = person.texts[2]
    person.judge("right", edit_right=right.replace("\n", "\r\n"))
    first, second, third = stored(shared_root, request.node.name)
    assert first["edited"] == left + " More."
    assert sorted((first["stars_a"], first["stars_b"])) == [1, 5]
    assert (second["verdict"], third["edited"]) == ("skip", None)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"choice": ""}, "Choose which answer is better"),
        ({"choice": "", "edit_left": "long work", "comment": "a remark"}, "Choose which answer is better"),
        ({"choice": "left", "edit_left": "mine", "edit_right": "too"}, "Only the answer that you prefer"),
        ({"choice": "left", "edit_right": "the wrong one"}, "Only the answer that you prefer"),
        ({"choice": "tie", "edit_right": "neither"}, "Only the answer that you prefer"),
        ({"choice": "left", "comment": "ask ann@example.com"}, "e-mail"),
        ({"choice": "left", "comment": "x" * 2001}, "2000"),
        ({"choice": "left", "edit_left": "call +49 170 1234567"}, "phone"),
        ({"choice": "left", "comment": "-----BEGIN PRIVATE KEY-----\n" + "A" * 64}, "key"),
        ({"choice": "left", "edit_left": "text \u202e"}, "bidirectional"),
    ],
)
def test_what_ingestion_would_refuse_is_said_and_can_be_mended(person, request, shared_root, fields, said):
    before = person.texts
    response = person.judge(**fields)
    assert response.status_code == 422
    assert said in response.text
    assert 'role="alert"' in response.text
    assert stored(shared_root, request.node.name) == []
    # All that was written is still there, and so is the pair.
    assert person.texts == before
    written = {name: text for name, text in fields.items() if name != "choice"}
    assert {name: person.areas[name] for name in written} == {n: visible(t) for n, t in written.items()}
    if fields["choice"]:
        assert f'value="{fields["choice"]}" checked' in response.text
    assert person.judge("left").status_code == 200
    assert len(stored(shared_root, request.node.name)) == 1


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"x" * (MOST_BODY_BYTES + 1), "application/x-www-form-urlencoded", 413),
        (b"choice=left", "text/plain", 415),
        (b'{"choice": "left"}', "application/json", 415),
        (b"choice=%ff", "application/x-www-form-urlencoded", 400),
        ("choice=lëft".encode(), "application/x-www-form-urlencoded", 400),
        (b"choice=left&choice=right", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"a%d=1" % number for number in range(99)), "application/x-www-form-urlencoded", 400),
    ],
)
def test_a_body_out_of_bounds_is_refused(person, content, kind, status):
    response = person.client.post("/judge", content=content, headers={"Content-Type": kind})
    assert response.status_code == status
    assert "nothing was saved" in response.text


def test_a_body_without_a_length_is_bounded_too(person):
    chunks = (b"x" * 65_536 for _ in range(20))
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert person.client.post("/judge", content=chunks, headers=headers).status_code == 413


@pytest.mark.parametrize("stars", ["0", "6", "5.0", "٣", "x"])
def test_what_no_form_of_ours_sends_is_refused(person, request, shared_root, stars):
    assert person.judge("left", stars_left=stars).status_code == 400
    assert stored(shared_root, request.node.name) == []


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/pair.html.j2", "/static/%2e%2e/app.py", "/openapi.json"]
)
def test_no_path_leads_elsewhere(page, path):
    with socket.create_connection(("127.0.0.1", page.port)) as wire:
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\nConnection: close\r\n\r\n"
        wire.sendall(request.encode())
        answer = b"".join(iter(lambda: wire.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 404")


def test_the_language_is_chosen_by_link_else_by_header_else_by_params(page, shared_root):
    person = Person(
        page.address, link(shared_root, "speaker"), **{"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}
    )
    assert '<html lang="zh">' in person.page
    assert '<html lang="en">' in person.client.get("/language/en").text
    assert '<html lang="en">' in person.client.get("/language/xx").text
    other = Person(page.address, link(shared_root, "other tongue"), **{"Accept-Language": "de"})
    assert '<html lang="en">' in other.page


def test_all_of_it_left_the_database_whole(page, shared_root):
    with sqlite3.connect(shared_root / DATABASE) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert judgements(shared_root)
    assert "Traceback" not in (shared_root / "serve.log").read_text()
