"""A thumb becomes feedback: one row, of an answer that this server gave, and ingestion takes it."""

from __future__ import annotations

import json
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import polars as pl
import pytest
from chat.chat_case import PROMPT, Visitor, serving, signed, thumbs
from tracking.fake_workspace import PROJECT

from components.errors import BusyError, FeedbackError
from components.feedback.ingestion import ingest_file
from components.locks import exclusive
from components.serving.thumbs import DATABASE, Outcome, Said, Thumb, Thumbs, fault_in
from components.workspace import STATE
from flows.chat.writing import write_export, write_to_inbox


def said(number, **changes):
    values = {"prompt": f"p {number}", "response": f"r {number}", "model": "reviews/1"}
    return Said(f"chat-{number}", **(values | changes), temperature=1.0, top_p=1.0, seed=3)


@pytest.fixture
def root(tmp_path):
    return tmp_path


@pytest.fixture
def kept(root):
    return Thumbs(root / DATABASE)


def stored(root):
    return [(row["id"], row["annotator"], row["up"]) for row in thumbs(root)]


def test_a_thumb_on_the_page_is_stored_with_prompt_answer_and_version(project, visitor):
    lines = visitor.ask(temperature=0)
    text = "".join(line["text"] for line in lines if line["kind"] == "text")
    assert visitor.thumb(signed(lines), "up").json() == {"said": "stored"}
    row = thumbs(project)[-1]
    assert (row["prompt"], row["response"], row["up"]) == (PROMPT, text, 1)
    assert (row["model"], row["seed"], row["temperature"]) == ("reviews/1", lines[0]["seed"], 0.0)
    assert row["annotator"].startswith("visitor-")
    # Another one for the same answer takes its place; none takes it back.
    assert visitor.thumb(signed(lines), "down").json() == {"said": "stored"}
    assert (thumbs(project)[-1]["id"], thumbs(project)[-1]["up"]) == (row["id"], 0)
    assert visitor.thumb(signed(lines), "none").json() == {"said": "gone"}
    assert row["id"] not in [each["id"] for each in thumbs(project)]


def test_an_answer_that_the_server_did_not_give_gets_no_thumb(project, server, visitor):
    before = len(thumbs(project))
    answer = signed(visitor.ask(model="candidate"))
    for forged in ("", "x", answer[:-1], f"W{answer}", answer.swapcase(), "." * 100_000):
        response = visitor.thumb(forged, "up")
        assert (response.status_code, response.json()["error"]) == (403, "bad_answer")
    for body in ({"answer": answer}, {"answer": answer, "thumb": "sideways"}, {"answer": 1, "thumb": "up"}):
        assert visitor.client.post("/thumb", json=body).status_code == 422
    assert len(thumbs(project)) == before


def test_somebody_else_s_thumb_stays(server, project, visitor):
    answer = signed(visitor.ask(model="candidate"))
    visitor.thumb(answer, "up")
    response = Visitor(server.address).thumb(answer, "down")
    assert (response.status_code, response.json()["error"]) == (409, "other")
    assert thumbs(project)[-1]["up"] == 1


@pytest.mark.parametrize(
    ("prompt", "what"),
    [
        ("ask ann@example.com", "e-mail"),
        ("a <|endoftext|> b", "special token"),
        ("-----BEGIN PRIVATE KEY-----\n" + "A" * 64, "key"),
    ],
)
def test_what_ingestion_would_refuse_is_not_stored(project, visitor, prompt, what):
    before = len(thumbs(project))
    response = visitor.thumb(signed(visitor.ask(prompt, "candidate")), "up")
    assert (response.status_code, response.json()["error"]) == (422, "refused")
    assert what in response.json()["what"]
    assert len(thumbs(project)) == before


def test_the_database_is_for_its_owner_alone(project):
    assert (project / DATABASE).stat().st_mode & 0o077 == 0
    assert (project / DATABASE).is_relative_to(project / STATE)


def test_exported_once_final_then_and_ingested_as_thumbs(root, kept):
    for number, thumb in enumerate((Thumb.up, Thumb.down, Thumb.up)):
        assert kept.give(said(number), f"visitor-{number % 2}", thumb) is Outcome.stored
    written = write_export(root, root / "said.jsonl")
    assert written == {root / "said.jsonl": 3}
    assert kept.give(said(0), "visitor-0", Thumb.down) is Outcome.final
    assert kept.give(said(0), "visitor-0", Thumb.none) is Outcome.final
    assert write_export(root, root / "more.jsonl") == {}
    assert not (root / "more.jsonl").exists()
    kept.give(said(3), "visitor-1", Thumb.up)
    again = write_export(root, root / "all.jsonl", everything=True)
    assert again == {root / "all.jsonl": 4}
    first = ingest_file(root / "said.jsonl", root / "data")
    second = ingest_file(root / "all.jsonl", root / "data")
    assert (first.accepted, first.quarantined) == (3, 0)
    assert (second.accepted, second.duplicates) == (1, 3)
    parts = [*(root / "data").rglob("rows-*.parquet")]
    rows = pl.concat([pl.read_parquet(part) for part in parts]).sort("row_id")
    assert rows["kind"].unique().to_list() == ["thumbs"]
    assert [vote[0]["label"] for vote in rows["votes"]] == [1.0, 0.0, 1.0, 1.0]
    assert rows["annotator"].to_list() == ["visitor-0", "visitor-1", "visitor-0", "visitor-1"]
    assert json.loads(rows["meta"][0])["model"] == "reviews/1"
    assert set(rows["source"]) == {"rlhf-chat"}


def test_an_export_that_was_killed_is_written_again_under_the_same_ids(root, kept):
    kept.give(said(1), "ann", Thumb.up)
    _, rows = kept.begin_export()
    kept.give(said(2), "ann", Thumb.up)
    # Claimed rows are final already: they may be in a file.
    assert kept.give(said(1), "ann", Thumb.none) is Outcome.final
    (path,) = write_to_inbox(root, root / "inbox")
    found = [json.loads(line) for line in path.read_text().splitlines()]
    assert found[0] == rows[0]
    assert [row["id"] for row in found] == ["chat-1", "chat-2"]
    assert write_to_inbox(root, root / "inbox") == {}


def test_no_file_is_replaced_and_one_export_is_at_work_at_a_time(root, kept):
    kept.give(said(1), "ann", Thumb.up)
    (root / "said.jsonl").write_text("not ingested yet")
    with pytest.raises(FeedbackError, match="there already"):
        write_export(root, root / "said.jsonl")
    with (
        exclusive((root / DATABASE).with_suffix(".export.lock"), wait=False),
        pytest.raises(BusyError, match="another export"),
    ):
        write_export(root, root / "other.jsonl")
    assert write_export(root, root / "other.jsonl") == {root / "other.jsonl": 1}


def test_what_is_at_fault_is_named():
    from components.config import FeedbackParams
    from components.feedback.rules import Rules

    rules = Rules.of(FeedbackParams(), PROJECT)
    assert fault_in(said(1), "ann", rules) is None
    assert fault_in(said(1, response=" "), "ann", rules).startswith("response: ")
    assert "e-mail" in fault_in(said(1, response="to a@example.org"), "ann", rules)


def test_with_a_key_only_who_says_it_may_ask_and_a_kill_loses_no_acknowledged_thumb(project):
    key = "k" * 20
    with serving(project, RLHF_API_KEY=key) as server:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {key}"}):
            for path in ("/v1/models", "/v1/models/champion"):
                refused = httpx.get(server.address + path, headers=headers)
                assert (refused.status_code, refused.json()["error"]["code"]) == (401, "invalid_api_key")
            refused = httpx.post(f"{server.address}/v1/completions", json={}, headers=headers)
            assert refused.status_code == 401
        assert httpx.get(
            f"{server.address}/v1/models", headers={"Authorization": f"Bearer {key}"}
        ).status_code == (200)
        stranger = Visitor(server.address)
        assert stranger.client.get("/").status_code == 401
        assert stranger.send().status_code == 403
        assert stranger.client.post("/enter", data={"key": "wrong"}).status_code == 401
        assert stranger.send().status_code == 403
        acknowledged = kill_under_thumbs(server, key)
        assert key not in server.log.read_text()
    found = {row["id"] + str(row["up"]) for row in thumbs(project)}
    assert len(acknowledged) >= 10
    kept = Thumbs(project / DATABASE)
    assert kept.reading().execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert len(found & {f"{each}1" for each in acknowledged}) == len(acknowledged)


def kill_under_thumbs(server, key):
    """Four people give thumbs until the server is killed; the ids of those that were acknowledged."""
    acknowledged: list[str] = []
    dead = threading.Event()

    def give(_):
        person = Visitor(server.address)
        assert person.client.post("/enter", data={"key": key}).status_code == 303
        while not dead.is_set():
            try:
                answer = signed(person.ask(model="candidate", max_tokens=4))
                if person.thumb(answer, "up").json() == {"said": "stored"}:
                    acknowledged.append(id_in(answer))
            except (httpx.HTTPError, AssertionError, StopIteration):
                # Refused because too many wait, or dead.
                continue

    with ThreadPoolExecutor(4) as pool:
        waits = [pool.submit(give, number) for number in range(4)]
        while len(acknowledged) < 10 and not any(wait.done() for wait in waits):
            dead.wait(0.01)
        server.end(signal.SIGKILL)
        dead.set()
        for wait in waits:
            wait.result()
    return acknowledged


def id_in(answer):
    from itsdangerous import URLSafeSerializer

    return URLSafeSerializer("any").loads_unsafe(answer)[1][0]
