"""`rlhf inbox`: a folder that is watched, its flow, and how it ends."""

import json
import signal
import time

from collecting.collect_case import Near, add, link, pairs
from feedback_files import write_pairs

from components.feedback.store import read_accepted


def wait_for(condition, process=None, seconds=90):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        assert process is None or process.poll() is None
        time.sleep(0.05)
    assert condition()


def names(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_once_takes_what_is_complete(rlhf_here, clone, tmp_path):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    status, out, _ = rlhf_here("inbox", inbox, "--once", "--settle", "0")
    assert (status, out.splitlines()[-1]) == (0, "next: `rlhf retrain`")
    write_pairs(inbox / "week-1.jsonl", broken=1)
    write_pairs(inbox / "half.jsonl.part")
    (inbox / "bad\x1b[2J.csv").write_bytes(b"\xff\xfe")
    (inbox / "link.jsonl").symlink_to(tmp_path)
    status, out, err = rlhf_here("inbox", inbox, "--once", "--settle", "0.1", "--json")
    assert status == 3, err
    results = {json.loads(line)["status"]: json.loads(line) for line in out.splitlines()}
    assert results["accepted"]["moved_to"] == str(inbox / "done/week-1.jsonl")
    assert results["accepted"]["quarantined"] == 1
    assert names(inbox) == ["done", "failed", "half.jsonl.part", "link.jsonl"]
    assert names(inbox / "done") == [
        "week-1.jsonl",
        "week-1.jsonl.report.html",
        "week-1.jsonl.report.json",
    ]
    report = json.loads((inbox / "failed/bad\x1b[2J.csv.report.json").read_text())
    assert (report["status"], report["reasons"]) == ("rejected", {"ENCODING": 1})
    assert report["remedy"] == "save the file as UTF-8"
    assert "link.jsonl is a link" in err
    assert "\x1b" not in out + err
    assert (clone / "data/feedback.dvc").exists()

    write_pairs(inbox / "week-1.jsonl", broken=1)
    status, out, _ = rlhf_here("inbox", inbox, "--once", "--settle", "0")
    assert (status, "week-1.jsonl: already ingested" in out) == (0, True)
    assert "week-1-2.jsonl" in names(inbox / "done")


def test_watching_until_it_is_told_to_end(rlhf, tmp_path):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    write_pairs(inbox / "week-1.jsonl")
    process = rlhf.start("inbox", inbox, "--settle", "0.2")
    wait_for(lambda: (inbox / "done/week-1.jsonl").exists(), process)
    busy = rlhf("inbox", inbox, "--once")
    assert (busy.returncode, "another process watches" in busy.err) == (5, True)
    # A writer that takes its time.
    with (inbox / "week-2.jsonl").open("w") as file:
        for line in (
            write_pairs(tmp_path / "rows.jsonl", topic="camera").read_text().splitlines(keepends=True)
        ):
            file.write(line)
            file.flush()
            time.sleep(0.1)
    wait_for(lambda: (inbox / "done/week-2.jsonl").exists(), process)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert out.count(": accepted: 6 read, 6 accepted") == 2
    assert rlhf.left_behind() == []


def test_the_signal_is_heard_between_two_files_and_a_kill_loses_nothing(rlhf, clone, tmp_path):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    for number in range(8):
        write_pairs(inbox / f"week-{number:02}.jsonl", topic=f"phone-{number}")
    batches = clone / "data/feedback"

    def ingested():
        return len(list(batches.glob("*/manifest.json")))

    process = rlhf.start("inbox", inbox, "--settle", "0")
    wait_for(lambda: ingested() >= 2, process)
    process.kill()
    process.communicate()
    assert ingested() >= 2
    # None was moved before all of its run was safe.
    assert len(list(inbox.glob("week-*.jsonl"))) == 8

    process = rlhf.start("inbox", inbox, "--settle", "0")
    before = ingested()
    wait_for(lambda: ingested() > before, process)
    process.terminate()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    moved = len(list((inbox / "done").glob("*.jsonl")))
    assert moved + len(list(inbox.glob("week-*.jsonl"))) == 8
    assert moved >= ingested() > before

    done = rlhf("inbox", inbox, "--once", "--settle", "0")
    assert done.returncode == 0, done.err
    assert len(list((inbox / "done").glob("*.jsonl"))) == 8
    assert read_accepted(batches).height == 48


def test_what_people_judged_on_the_page_comes_in_through_the_inbox(rlhf_here, clone):
    add(clone, pairs(6))
    ann = Near(clone, link(clone, "ann"))
    for choice in ("left", "right", "left", "tie", "bad"):
        assert ann.judge(choice).status_code == 200
    assert ann.judge("", action="skip").status_code == 200
    status, out, err = rlhf_here("collect", "export", "--to-inbox", "--json")
    assert status == 0, err
    [written] = [json.loads(line) for line in out.splitlines()]
    assert written["rows"] == 5
    status, out, err = rlhf_here("inbox", "data/inbox", "--once", "--settle", "0", "--json")
    assert status == 0, err
    [result] = [json.loads(line) for line in out.splitlines()]
    assert (result["status"], result["accepted"]) == ("accepted", 5)
    assert set(read_accepted(clone / "data/feedback")["annotator"]) == {"ann"}
    # All that was judged is final: nothing is left to export.
    assert rlhf_here("collect", "export", "--to-inbox", "--json")[1] == ""
