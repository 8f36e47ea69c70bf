import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from components.files import (
    digest_of,
    digest_tree,
    read_json,
    replacing_directory,
    replacing_file,
    sha256_bytes,
    sweep_leftovers,
    sweep_room,
    write_json,
    write_text,
)
from components.progress import Progress, parse_progress

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_sha256_of_abc_is_the_published_one():
    assert sha256_bytes(b"abc") == ABC


def test_a_tree_digest_sees_names_and_bytes(tmp_path):
    write_text(tmp_path / "a" / "x.txt", "abc")
    assert digest_tree(tmp_path) == {"a/x.txt": ABC}
    before = digest_of(digest_tree(tmp_path))
    (tmp_path / "a" / "x.txt").rename(tmp_path / "a" / "y.txt")
    assert digest_of(digest_tree(tmp_path)) != before


def test_a_folder_is_replaced_as_a_whole_or_not_at_all(tmp_path):
    target = tmp_path / "model"
    with replacing_directory(target) as staged:
        (staged / "old").write_text("1")
    with pytest.raises(FileNotFoundError), replacing_directory(target) as staged:
        (staged / "new").write_bytes((tmp_path / "missing").read_bytes())
    assert [path.name for path in target.iterdir()] == ["old"]
    with replacing_directory(target) as staged:
        (staged / "new").write_text("2")
    assert [path.name for path in target.iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path):
    target = tmp_path / "rows" / "rows.jsonl"
    with replacing_file(target) as handle:
        handle.write(b"old\n")
    with pytest.raises(FileNotFoundError), replacing_file(target) as handle:
        handle.write((tmp_path / "missing").read_bytes())
    assert target.read_bytes() == b"old\n"
    with replacing_file(target) as handle:
        handle.writelines([b"new\n", b"lines\n"])
        assert target.read_bytes() == b"old\n"
    assert target.read_bytes() == b"new\nlines\n"
    assert [path.name for path in target.parent.iterdir()] == ["rows.jsonl"]


def test_a_writer_killed_in_the_middle_leaves_the_old_folder(tmp_path):
    target = tmp_path / "model"
    with replacing_directory(target) as staged:
        (staged / "old").write_text("1")
    script = (
        "import sys, time, pathlib; from components.files import replacing_directory\n"
        "with replacing_directory(pathlib.Path(sys.argv[1])) as staged:\n"
        "    (staged / 'new').write_text('2'); print('writing', flush=True); time.sleep(60)\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", script, str(target)], stdout=subprocess.PIPE)
    assert writer.stdout.readline() == b"writing\n"
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    assert [path.name for path in target.iterdir()] == ["old"]
    with replacing_directory(target) as staged:
        (staged / "new").write_text("3")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]


def test_a_kill_between_the_two_renames_loses_nothing(tmp_path):
    target = tmp_path / "model"
    with replacing_directory(target) as staged:
        (staged / "old").write_text("1")
    target.rename(tmp_path / ".model.retired.tmp")
    sweep_leftovers(target)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert [path.name for path in target.iterdir()] == ["old"]


def test_a_room_is_put_right_as_a_whole(tmp_path):
    for name in ("kept", ".lost.retired.tmp", ".kept.retired.tmp", f".kept.{'0' * 32}.tmp"):
        write_text(tmp_path / name / "what", name)
    write_text(tmp_path / ".file.json.0.tmp", "half")
    sweep_room(tmp_path)
    assert {path.name: (path / "what").read_text() for path in tmp_path.iterdir()} == {
        "kept": "kept",
        "lost": ".lost.retired.tmp",
    }


def test_json_has_no_nan(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "x.json", {"a": float("nan")})
    assert not (tmp_path / "x.json").exists()
    write_json(tmp_path / "x.json", {"a": "é"})
    assert read_json(tmp_path / "x.json") == {"a": "é"}


def test_a_progress_line_is_read_back():
    progress = Progress("ppo", 3, 40, {"score": -0.5125, "kl": 1.25e-07, "eos_rate": 1.0})
    assert progress.line() == "[ppo] 3/40 score=-0.5125 kl=1.25e-07 eos_rate=1"
    assert parse_progress(progress.line() + "\n") == progress
    assert parse_progress(Progress("prepare", 1, 1, {}).line()) == Progress("prepare", 1, 1, {})


@pytest.mark.parametrize("line", ["", "loading", "[ppo] done", "[ppo] 1/2 nonsense", "x [ppo] 1/2"])
def test_other_lines_are_not_progress(line):
    assert parse_progress(line) is None


def test_progress_with_nan_is_still_progress():
    parsed = parse_progress(Progress("ppo", 1, 2, {"score": float("nan")}).line())
    assert parsed is not None
    assert parsed.metrics["score"] != parsed.metrics["score"]


def test_what_a_killed_writer_left_goes_and_what_a_living_one_writes_stays(tmp_path):
    target = tmp_path / "rows.jsonl"
    write = "import sys, os; from pathlib import Path; from components.files import replacing_file\n"
    write += f"with replacing_file(Path({str(target)!r})) as file:\n"
    write += "    file.write(b'half'); file.flush(); print('writing', flush=True); sys.stdin.read()"
    options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    dead, alive = (subprocess.Popen([sys.executable, "-c", write], **options) for _ in range(2))
    for process in (dead, alive):
        assert process.stdout.readline() == "writing\n"
    dead.kill()
    dead.wait()
    write_text(target, "whole")
    assert len([path for path in tmp_path.iterdir() if path != target]) == 1
    alive.communicate("")
    assert [path.name for path in tmp_path.iterdir()] == [target.name]
    assert target.read_text() == "half"


def test_a_folder_that_cannot_take_its_place_leaves_the_old_one(tmp_path, monkeypatch):
    target = tmp_path / "model"
    with replacing_directory(target) as staged:
        (staged / "old").write_text("1")
    rename = Path.rename

    def refuse(self, to):
        if to == target and self.name.endswith(".tmp") and "retired" not in self.name:
            raise OSError("refused")
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OSError, match="refused"), replacing_directory(target) as staged:
        (staged / "new").write_text("2")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert [path.name for path in target.iterdir()] == ["old"]
