"""`rlhf feedback ...`, as a data engineer types it."""

import csv
import io
import json

import pytest
from feedback_files import write_pairs


@pytest.fixture
def one_persons_batch(tmp_path):
    """A batch that waits: all of it is by one person."""
    path = write_pairs(tmp_path / "hers.jsonl", count=40)
    rows = [json.loads(line) | {"annotator": "ann <b>"} for line in path.read_text().splitlines()]
    rows += [{**rows[0], "prompt": "Refuse me.", "chosen": ""}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_the_life_of_a_batch(rlhf_here, clone, tmp_path, one_persons_batch):
    status, out, _ = rlhf_here("ingest", one_persons_batch)
    assert status == 0
    assert "held: 41 read, 40 accepted, 1 quarantined, 0 duplicates" in out
    assert "next: `rlhf feedback show hers-" in out.splitlines()[-1]
    (batch,) = (path.name for path in (clone / "data/held").iterdir())

    status, out, _ = rlhf_here("feedback", "show", batch)
    assert status == 0
    assert "DOMINANT (hold)" in out
    page = clone / "reports/feedback" / f"{batch}.html"
    assert page.as_uri() in out
    assert "ann <b>" not in page.read_text()
    assert json.loads(page.with_suffix(".json").read_text())["status"] == "held"

    status, out, _ = rlhf_here("feedback", "quarantine", batch, "--export", "csv")
    (row,) = csv.DictReader(io.StringIO(out))
    assert (status, row["line"], row["reason"]) == (0, "41", "EMPTY_RESP")

    status, out, _ = rlhf_here("feedback", "release", batch, "--why", "she is our expert")
    assert (status, f"{batch}: 40 rows accepted" in out) == (0, True)
    assert "path: feedback\n" in (clone / "data/feedback.dvc").read_text()
    tracked = (clone / "data/feedback.dvc").read_text()

    mended = write_pairs(tmp_path / "mended.jsonl", count=1, topic="mended one")
    status, out, _ = rlhf_here("feedback", "retry", batch, mended, "--json")
    assert (status, json.loads(out)["accepted"]) == (0, 1)
    second = json.loads(out)["batch"]

    before = page.stat().st_mtime_ns
    status, out, _ = rlhf_here("feedback", "withdraw", second, "--why", "licence ended")
    assert (status, f"{second}: 1 rows" in out, page.stat().st_mtime_ns) == (0, True, before)
    assert "licence ended" in page.with_name(f"{second}.html").read_text()

    status, out, _ = rlhf_here("feedback", "withdraw", "--annotator", "ann <b>", "--why", "erasure request")
    assert (status, f"{batch}: 40 rows" in out) == (0, True)
    assert (clone / "data/feedback.dvc").read_text() != tracked

    status, out, _ = rlhf_here("feedback", "list", "--json")
    listed = {each["batch"]: (each["status"], each["accepted"]) for each in json.loads(out)}
    assert listed.pop(batch) == ("withdrawn", 0)
    assert listed.pop(second) == ("withdrawn", 0)
    assert listed == {}
    status, out, _ = rlhf_here("feedback", "card")
    assert (status, "reports/feedback/README.md" in out) == (0, True)
    assert "ann <b>" not in (clone / "reports/feedback/README.md").read_text()


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["show", "gone"], 1, "there is no batch 'gone'"),
        (["release", "../feedback"], 1, "there is no batch '../feedback'"),
        (["refuse", "gone"], 2, "--why"),
        (["withdraw", "--why", "x"], 2, "give a batch or --annotator"),
        (["withdraw", "b", "--annotator", "a", "--why", "x"], 2, "give a batch or --annotator"),
        (["withdraw", "--line", "2", "--annotator", "a", "--why", "x"], 2, "give BATCH, not --annotator"),
        (["withdraw", "--line", "2", "--why", "x"], 2, "give a batch or --annotator"),
        (["withdraw", "b", "--line", "0", "--why", "x"], 2, "--line"),
        (["withdraw", "gone", "--line", "2", "--why", "x"], 1, "there is no batch 'gone'"),
    ],
)
def test_wrong_usage_is_told(rlhf_here, words, status, told):
    ended, _, err = rlhf_here("feedback", *words)
    assert (ended, told in err, "Traceback" in err) == (status, True, False)


def _labelled(path, *choices):
    """Comparisons with ids, and which answer each prefers."""
    answers = [("Blue.", "Seven."), ("Seven.", "Blue.")]
    rows = [
        {"id": f"r-{n}", "prompt": f"Name colour {n}.", "chosen": answers[c][0], "rejected": answers[c][1]}
        for n, c in enumerate(choices)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_row_that_was_corrected_takes_the_place_of_what_it_corrects(rlhf_here, clone, tmp_path):
    first = _labelled(tmp_path / "a.jsonl", 0, 0, 0, 0, 0)
    second = _labelled(tmp_path / "b.jsonl", 0, 1, 0, 0, 0, 0)
    _, out, _ = rlhf_here("ingest", first, second, "--json")
    old, new = (json.loads(line) for line in out.splitlines())
    assert (new["accepted"], new["reasons"]) == (1, {"ID_CONFLICT": 1})
    _, out, _ = rlhf_here("feedback", "quarantine", new["batch"])
    (told,) = [line for line in out.splitlines() if " id: " in line]
    assert f"line 2 of batch {old['batch']}" in told
    assert "`rlhf feedback withdraw BATCH --line N`" in told

    words = ("feedback", "withdraw", old["batch"], "--line", "2", "--why", "corrected since")
    status, out, _ = rlhf_here(*words)
    assert (status, f"{old['batch']}: 1 rows and 0 single votes withdrawn" in out) == (0, True)
    status, _, err = rlhf_here(*words)
    assert (status, "line 2 of" in err, "was withdrawn before" in err) == (1, True, True)
    status, out, _ = rlhf_here("feedback", "retry", new["batch"], second, "--json")
    again = json.loads(out)
    assert (status, again["status"], again["accepted"], again["duplicates"]) == (0, "accepted", 1, 5)

    def record(batch):
        return json.loads((clone / "data/feedback" / batch / "manifest.json").read_text())

    assert record(again["batch"])["retries"] == new["batch"]
    assert record(old["batch"])["events"][-1]["why"] == "line 2: corrected since"
    assert (record(old["batch"])["accepted"], record(old["batch"])["withdrawn"]) == (4, 1)
