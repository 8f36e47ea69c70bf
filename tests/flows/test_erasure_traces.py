"""An erasure leaves the name of the person nowhere in the project: not in the runs that did it, either."""

from __future__ import annotations

import json
from contextlib import contextmanager

from collecting.collect_case import Near, add, link, pairs
from tracking.rlhf_command import Command

from components.serving.thumbs import DATABASE, Said, Thumb, Thumbs
from flows.environment import prepare_environment
from flows.server import prefect_api

NAME = "zelda-quine"
#: Old versions of the data, which `rlhf clean` removes: the command says so.
OLD = (".dvc/cache", ".rlhf/dvc-remote")


def _write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def _pair(number, who, **fields):
    row = {"prompt": f"Name colour {number}.", "chosen": "Blue.", "rejected": "Seven.", "annotator": who}
    return row | fields


def _kept(folder):
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and not path.relative_to(folder).as_posix().startswith(OLD)
    ]


@contextmanager
def one_server(clone, environment):
    """The command, with one embedded server; when it has ended, what it wrote is on the disk."""
    for name in ("PREFECT_API_URL", "PREFECT_HOME", "MLFLOW_TRACKING_URI"):
        environment.pop(name, None)
    prepare_environment(clone)
    with prefect_api(clone, meanwhile=lambda: None):
        yield Command(clone, PREFECT_API_URL=environment["PREFECT_API_URL"])


def test_a_persons_name_is_nowhere_after_the_erasure(clone, environment, tmp_path):
    with one_server(clone, environment) as rlhf:
        database = _live_and_erase(rlhf, clone, tmp_path)
    assert database in _kept(clone)
    assert [path for path in _kept(clone) if NAME.encode() in path.read_bytes()] == []


def _live_and_erase(rlhf, clone, tmp_path):
    """Feedback by the person in each room, their erasure, and the same once more; where Prefect's database is."""
    people = [NAME, *(f"ann-{number}" for number in range(7))]
    mixed = [_pair(number, people[number % 8]) for number in range(40)]
    contradiction = _pair(60, NAME, chosen="Seven.", rejected="Blue.")
    accepted = _write(tmp_path / "mixed.jsonl", [*mixed, _pair(50, NAME, chosen="")])
    held = _write(tmp_path / "hers.jsonl", [_pair(100 + number, NAME) for number in range(40)])
    rejected = _write(tmp_path / "bad.jsonl", [_pair(60, NAME), contradiction])
    done = rlhf("ingest", accepted, held, rejected)
    assert done.returncode == 3, done.err
    (batch,) = (path.name for path in (clone / "data/held").iterdir())
    done = rlhf("feedback", "refuse", batch, "--why", f"{NAME} clicked through it")
    assert done.returncode == 0, done.err
    done = rlhf("ingest", held)
    assert f"{NAME} clicked through it" in done.out + done.err

    add(clone, pairs(2))
    for name in (NAME, "ann-1"):
        assert Near(clone, link(clone, name)).judge("left", comment=f"{name} said so").status_code == 200
    said = Said("chat-1", "Name a colour.", "Blue.", "reviews/1", 1.0, 1.0, 7)
    Thumbs(clone / DATABASE).give(said, NAME, Thumb.up)

    done = rlhf("feedback", "withdraw", "--annotator", NAME, "--why", f"{NAME} asked for it")
    assert done.returncode == 0, done.err
    assert "rlhf collect: 1 judgements forgotten\nrlhf chat: 1 judgements forgotten\n" in done.out
    assert "5 rows and 0 single votes withdrawn, 1 refused rows hushed" in done.out
    # Sent again in another file, what was withdrawn is not kept either.
    done = rlhf("ingest", _write(tmp_path / "again.jsonl", mixed[::-1]))
    assert "accepted: 40 read, 0 accepted, 0 quarantined, 40 duplicates" in done.out
    return clone / ".rlhf/prefect/prefect.db"
