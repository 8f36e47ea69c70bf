"""The command as a person or a script runs it."""

import json
import subprocess
import sys

import pytest
from feedback_files import write_pairs
from tracking.fake_workspace import BLOCKED, READY, write_json

from components.feedback.readers.registry import READERS

KEYS = ["file", "batch", "status", "read", "accepted", "quarantined", "duplicates", "reasons", "automatic"]


def test_the_command_starts_without_the_heavy_libraries(embedded_rlhf):
    code = (
        "import sys, flows.cli; "
        "print({'torch', 'transformers', 'mlflow', 'prefect', 'polars', 'dvc'} & {*sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=embedded_rlhf.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "set()\n"


def test_help_shows_how(embedded_rlhf):
    done = embedded_rlhf("--help")
    assert done.returncode == 0
    assert 'rlhf generate "Review the Pixel 9."' in done.out
    for name in (
        "ingest",
        "retrain",
        "promote",
        "rollback",
        "audit",
        "lineage",
        "verify",
        "diff",
        "generate",
        "status",
    ):
        assert name in done.out


def test_help_names_every_format(embedded_rlhf):
    # Without the line breaks, which may fall on a hyphen.
    told = "".join(embedded_rlhf("ingest", "--help").out.split())
    assert f"Oneof{','.join(READERS)}." in told
    assert "JSON,JSONL,CSVorParquet,alsogzipped." in told


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["ingest"],
        ["ingest", "not-there.jsonl"],
        ["ingest", "params.yaml", "--format", "no-such-format"],
        ["promote", "one", "--approver", "x"],
        ["promote", "1"],
        ["generate", "x", "--model", "best"],
    ],
)
def test_wrong_usage_is_2(embedded_rlhf, words):
    done = embedded_rlhf(*words)
    assert (done.returncode, done.out) == (2, "")
    assert done.err


def test_outside_a_project(embedded_rlhf, tmp_path):
    embedded_rlhf.folder = tmp_path
    done = embedded_rlhf("status")
    assert done.returncode == 1
    assert done.err.startswith("error: ")
    assert "remedy: change into the folder of the project" in done.err
    assert "Traceback" not in done.err
    assert "Traceback" in embedded_rlhf("--debug", "status").err


def test_an_unknown_key_in_params_is_named(embedded_rlhf):
    with (embedded_rlhf.folder / "params.yaml").open("a") as handle:
        handle.write("speling: 1\n")
    done = embedded_rlhf("generate", "x")
    assert done.returncode == 1
    assert "speling" in done.err


def test_json_is_one_object_a_file_and_nothing_else(rlhf, tmp_path):
    hostile = "{x}{root}[bold]x\x1b[2J.jsonl"
    good, bad = write_pairs(tmp_path / hostile, broken=1), tmp_path / "bad.jsonl"
    bad.write_bytes(b"\xff\xfe")
    done = rlhf("ingest", good, bad, "--json")
    assert done.returncode == 3
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert [list(line) for line in lines] == [KEYS, KEYS]
    assert lines[0] == lines[0] | {"status": "accepted", "read": 7, "accepted": 6, "reasons": {"JSON": 1}}
    assert (lines[0]["file"], lines[1]["status"]) == (str(good), "rejected")
    assert "\x1b" not in done.out + done.err
    assert done.err.splitlines()[-1].startswith("next: ")


def test_status_before_anything_happened(embedded_rlhf):
    done = embedded_rlhf("status", "--json")
    assert done.returncode == 0
    seen = json.loads(done.out)
    assert (seen["batches"], seen["runs"], seen["candidate"], seen["champion"]) == ([], [], None, None)
    assert seen["next"].startswith("`rlhf ingest")
    assert {stage["state"] for stage in seen["stages"]} == {"to run"}


def test_the_loop_from_feedback_to_an_answer(rlhf_here, clone, tmp_path):
    write_json(clone / "gates-to-report.json", BLOCKED)
    status, out, _ = rlhf_here("ingest", write_pairs(tmp_path / "[bold]x\x1b[2J.jsonl", broken=1))
    assert status == 0
    assert "[bold]x\\x1b[2J.jsonl: accepted: 7 read, 6 accepted, 1 quarantined, 0 duplicates" in out
    assert out.splitlines()[-1].startswith("next: `rlhf retrain`")

    status, out, err = rlhf_here("retrain")
    assert status == 4
    assert "win_rate: 0.41 is not above 0.5" in out
    assert "[ppo] 3/3 loss=0.333" in err
    status, out, err = rlhf_here("promote", "1", "--approver", "reviewer")
    assert status == 4
    assert "is BLOCKED: win_rate: 0.41 is not above 0.5" in err
    assert "Traceback" not in err

    write_json(clone / "gates-to-report.json", READY)
    status, out, _ = rlhf_here("retrain", "--json")
    assert status == 0
    assert json.loads(out)["versions"]["candidate"]["version"] == "2"
    status, out, _ = rlhf_here("promote", "2", "--approver", "reviewer")
    assert status == 0
    assert "reviews version 1 (candidate 2) is now the champion" in out

    status, out, _ = rlhf_here("generate", "the [bold]battery", "-n", "2", "--seed", "3")
    assert status == 0
    assert out.count("out of 5 stars") == 2
    assert not [character for character in out if ord(character) < 32 and character != "\n"]
    status, out, _ = rlhf_here("generate", "the [bold]battery", "-n", "2", "--seed", "3", "--json")
    answer = json.loads(out)
    assert (answer["model"], answer["version"], len(answer["answers"])) == ("reviews", "1", 2)

    status, out, _ = rlhf_here("status")
    told = [line.partition(", SHA-256 ")[0] for line in out.splitlines()]
    assert "candidate: reviews-candidate version 2, READY" in told
    assert "champion: reviews version 1, READY, candidate 2, approved by reviewer" in told
    assert len({line.partition(", SHA-256 ")[2] for line in out.splitlines()} - {""}) == 1
    assert told[-1].startswith("next: `rlhf generate")
    status, _, err = rlhf_here("rollback", "--approver", "chief")
    assert (status, "no champion before version 1" in err) == (1, True)


def test_simulated_feedback_can_be_ingested(embedded_rlhf, tmp_path):
    done = embedded_rlhf(
        "simulate", tmp_path / "rehearsal", "--pairs", "20", "--demonstrations", "5", "--seed", "3"
    )
    assert done.returncode == 0
    files = set(done.out.splitlines()[:-1])
    assert files == {str(path) for path in (tmp_path / "rehearsal").iterdir()} != set()
    assert f"rlhf ingest {tmp_path}/rehearsal/*" in done.out.splitlines()[-1]
