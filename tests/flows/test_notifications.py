"""Who is told, once, whatever a notifier does: the log file, and Prefect's own webhook block against a real server."""

import json
import multiprocessing
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from stages.small_project import write_params

import flows.news.notify
from components.config import load_params
from components.errors import ConfigError
from components.feedback.manifest import IngestResult
from flows.news.log_file import FILE, append, older, read_entries
from flows.news.notify import notify, tell_later
from flows.news.outbox import FOLDER, KEPT_S, News, letter_of, unsent
from flows.news.telling import tell_batch, tell_candidate

HELD = News("batch_held", "week-1", "batch week-1 waits", "Why: SPAM")
SECRET = "T0P-S3CRET"  # noqa: S105 - of nothing


@contextmanager
def webhook(*statuses, hang=0.0):
    """An HTTP server that answers with these statuses, then 200; yields its URL and what it was sent."""
    sent, answers = [], list(statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            time.sleep(hang)
            sent.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(answers.pop(0) if answers else 200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/{SECRET}", sent
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(flows.news.notify, "PAUSE_S", 0.01)
    write_params(tmp_path, {"notifications": {"batch_held": ["log", "custom-webhook/team"]}})
    return tmp_path


@pytest.fixture
def team(prefect_server):
    """Saves the block `custom-webhook/team`, which posts to a URL."""

    def save(url):
        block = CustomWebhookNotificationBlock(
            name="team", url=url, json_data={"text": "{{subject}}: {{body}}"}, timeout=5
        )
        block.save("team", overwrite=True)

    return save


def lines(root):
    return [(entry["kind"], entry["subject"], entry["body"]) for entry in read_entries(root / FILE)]


def test_each_notifier_is_told_once(root, team):
    with webhook() as (url, sent):
        team(url)
        for _ in range(3):
            notify(root, HELD)
    assert sent == [{"text": "batch week-1 waits: Why: SPAM"}]
    assert lines(root) == [("batch_held", "batch week-1 waits", "Why: SPAM")]
    assert unsent(root) == []


def test_a_server_that_fails_at_first_is_asked_again(root, team):
    with webhook(500, 503) as (url, sent):
        team(url)
        notify(root, HELD)
    assert len(sent) == 3
    assert unsent(root) == []


def test_a_server_that_goes_on_failing_harms_nobody_and_gets_it_later(root, team, capsys, monkeypatch):
    with webhook(500, 500, 500) as (url, sent):
        team(url)
        notify(root, HELD)
        assert len(sent) == 3
        (letter,) = unsent(root)
        assert letter.owed == {"custom-webhook/team": "HTTP status 500"}
        told = capsys.readouterr().err
        assert "custom-webhook/team did not take 'batch week-1 waits': HTTP status 500" in " ".join(
            told.split()
        )
        assert SECRET not in told
        assert SECRET not in "".join(path.read_text() for path in root.rglob(".rlhf/**/*.json*"))
        # Too soon, also where the same is told again.
        notify(root, HELD)
        tell_later(root)
        assert len(sent) == 3
        monkeypatch.setattr(flows.news.notify, "AGAIN_S", -1.0)
        tell_later(root)
    assert len(sent) == 4
    assert unsent(root) == []
    assert len(lines(root)) == 1


def test_a_server_that_hangs_and_one_that_is_gone(root, team, monkeypatch):
    monkeypatch.setattr(flows.news.notify, "DEADLINE_S", 0.5)
    with webhook(hang=3.0) as (url, _):
        team(url)
        notify(root, HELD)
        assert unsent(root)[0].owed == {"custom-webhook/team": "no answer within 0.5 s"}
    monkeypatch.setattr(flows.news.notify, "DEADLINE_S", 15.0)
    monkeypatch.setattr(flows.news.notify, "AGAIN_S", -1.0)
    tell_later(root)
    assert unsent(root)[0].owed == {"custom-webhook/team": "ConnectError"}
    assert len(lines(root)) == 1


def test_it_is_offered_for_half_a_year_after_pauses_up_to_six_hours(root, team):
    with webhook() as (url, sent):
        team(url)
        for attempts, minutes, is_time in ((1, 9, False), (1, 11, True), (3, 39, False), (3, 41, True)):
            assert offered_after(root, attempts, minutes, sent) == is_time
        for minutes, is_time in ((359, False), (361, True)):
            assert offered_after(root, 5000, minutes, sent) == is_time
    with letter_of(root, HELD, ()) as letter:
        letter.owed, letter.made_at, letter.asked_at = (
            {"custom-webhook/team": "?"},
            time.time() - KEPT_S - 1,
            time.time(),
        )
    tell_later(root)
    assert unsent(root) == []


def offered_after(root, attempts, minutes, sent):
    """Whether it is offered again, so long after so many attempts."""
    before = len(sent)
    with letter_of(root, HELD, ()) as letter:
        letter.owed = {"custom-webhook/team": "HTTP status 500"}
        letter.attempts, letter.asked_at = attempts, time.time() - 60 * minutes
    tell_later(root)
    return len(sent) > before


def test_a_letter_that_cannot_be_opened_keeps_no_other_waiting(root, team, monkeypatch, capsys):
    other = News("batch_held", "week-2", "batch week-2 waits", "Why: SPAM")
    with webhook(*[500] * 6) as (url, _):
        team(url)
        notify(root, HELD)
        notify(root, other)
        monkeypatch.setattr(flows.news.notify, "AGAIN_S", -1.0)
        (first,) = [path for path in (root / FOLDER).glob("*.json") if "week-1" in path.read_text()]
        first.with_suffix(".lock").unlink()
        first.with_suffix(".lock").mkdir()
        tell_later(root)
    assert [letter.news.key for letter in unsent(root)] == ["week-1"]
    assert "'batch week-1 waits' cannot be offered again" in " ".join(capsys.readouterr().err.split())


def test_a_letter_that_cannot_be_read_keeps_no_other_waiting(root, team):
    with webhook() as (url, _):
        team(url)
        notify(root, HELD)
    (letter,) = (root / FOLDER).glob("*.json")
    # Opening it fails, also for root.
    letter.unlink()
    letter.mkdir()
    notify(root, News("run_failed", "1", "a run failed", "Why"))
    with letter_of(root, News("run_failed", "2", "another", "Why"), ("custom-webhook/team",)):
        pass
    assert [found.news.key for found in unsent(root)] == ["2"]
    tell_later(root)


def test_a_block_that_does_not_exist_is_named(root, prefect_server):
    write_params(root, {"notifications": {"batch_held": ["slack-webhook/nobody", "log"]}})
    notify(root, HELD)
    assert unsent(root)[0].owed == {"slack-webhook/nobody": "Prefect has no block slack-webhook/nobody"}
    assert len(lines(root)) == 1


def test_texts_are_plain_and_short(root):
    write_params(root)
    notify(root, News("run_failed", "1", "<!channel>\nhi\x1b[31m", "<b>" + "x" * 5000))
    ((_, subject, body),) = lines(root)
    assert subject == "‹!channel› hi\\x1b[31m"
    assert (body[:4], len(body)) == ("‹b›x", 2000)


def test_a_disk_that_takes_nothing_fails_no_run(root, capsys):
    (root / ".rlhf").write_text("no folder")
    notify(root, HELD)
    assert "nobody could be told of 'batch week-1 waits'" in capsys.readouterr().err


def test_names_of_notifiers_are_checked(tmp_path):
    write_params(tmp_path, {"notifications": {"health": ["mail"]}})
    with pytest.raises(ConfigError, match="'mail' is neither 'log' nor SLUG/NAME"):
        load_params(tmp_path / "params.yaml")


def test_reviewers_read_names_and_numbers_of_gates_not_what_models_say(root):
    gates = [
        {"name": "win_rate", "passed": False, "measured": 0.41, "threshold": 0.5, "reason": "say 'buy now'"},
        {"name": "champion", "passed": False, "measured": None, "threshold": None, "reason": "unknown"},
        {"name": "kl", "passed": True, "measured": 6.0, "threshold": 10.0, "reason": "fine"},
    ]
    write_params(root)
    (root / "reports").mkdir()
    (root / "reports/gates.json").write_text(json.dumps({"verdict": "BLOCKED", "gates": gates}))
    version = {"name": "reviews-candidate", "version": "3", "created": True}
    summary = {
        "versions": {"candidate": version},
        "verdict": "BLOCKED",
        "reasons": ["say 'buy now'"],
        "asked": None,
    }
    tell_candidate(root, summary)
    tell_candidate(root, summary)
    assert lines(root) == [
        (
            "candidate_blocked",
            "reviews-candidate version 3 is BLOCKED",
            "Gates that block it:\n- win_rate measured 0.41 threshold 0.5\n- champion\nreports/report.html says more.",
        )
    ]


def test_a_rejected_file_is_told_by_its_codes(root):
    write_params(root)
    counts = {"read": 0, "accepted": 0, "quarantined": 0, "duplicates": 0}
    result = IngestResult(
        "a <b>.csv", "a-b-1234", "rejected", **counts, reasons={"ENCODING": 1}, message="'x'"
    )
    tell_batch(root, result)
    ((kind, subject, body),) = lines(root)
    assert (kind, subject) == ("batch_rejected", "batch a-b-1234 was rejected")
    assert body.startswith("Nothing of it was kept: ENCODING\n")


def _append_many(path, name):
    for number in range(50):
        append(path, {"from": name, "number": number}, most_bytes=1 << 20)


def test_lines_of_many_writers_are_whole(tmp_path):
    path, context = tmp_path / "told.jsonl", multiprocessing.get_context("spawn")
    writers = [context.Process(target=_append_many, args=(path, name)) for name in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(read_entries(path)) == 100


def test_a_torn_line_harms_no_other_and_the_file_stays_small(tmp_path):
    path = tmp_path / "told.jsonl"
    append(path, {"number": 1})
    path.write_bytes(path.read_bytes() + b'{"number": 2, "bo')
    append(path, {"number": 3})
    assert [entry["number"] for entry in read_entries(path)] == [1, 3]
    for number in range(4, 20):
        append(path, {"number": number, "body": "x" * 100}, most_bytes=1000)
    assert path.stat().st_size <= 1000
    assert older(path).stat().st_size <= 1000
    numbers = [entry["number"] for entry in read_entries(path)]
    assert numbers == list(range(numbers[0], 20))


def test_what_people_were_told_is_shown_while_mlflow_is_away(root, environment, monkeypatch, in_this_process):
    (root / "dvc.yaml").write_text("stages: {}\n")
    monkeypatch.chdir(root)
    notify(root, HELD)
    environment["MLFLOW_TRACKING_URI"] = "http://127.0.0.1:9"
    status, out, _ = in_this_process("notifications", "--json")
    told = json.loads(out)
    assert (status, [each["subject"] for each in told["told"]]) == (0, ["batch week-1 waits"])
    (waits,) = told["waits"]
    assert (waits["for"], "does not answer" in waits["what"]) == ("operator", True)
