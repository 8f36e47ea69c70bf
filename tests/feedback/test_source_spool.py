import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from components.errors import FeedbackError
from components.feedback.sources.spool import RowFile, file_name, line_of, spool

PROJECT = Path(__file__).parents[2]
HOLD = (
    "import sys, pathlib, time; from components.feedback.sources.spool import spool\n"
    "with spool(pathlib.Path(sys.argv[1])) as folder: print(folder, flush=True); time.sleep(60)"
)


def holder(root):
    """Another process with a spool; and its folder."""
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-c", HOLD, str(root)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    return process, Path(process.stdout.readline().strip())


def test_a_folder_of_its_own_that_is_gone_afterwards(tmp_path):
    with spool(tmp_path) as folder:
        assert folder.parent == tmp_path / ".rlhf/spool"
        (folder / "x.jsonl").write_text("{}\n")
    assert not folder.exists()


def test_what_a_killed_run_left_is_swept_and_what_another_uses_stays(tmp_path):
    killed, left = holder(tmp_path)
    living, used = holder(tmp_path)
    assert left.is_dir()
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    with spool(tmp_path):
        assert (left.exists(), used.exists()) == (False, True)
    living.kill()
    living.wait()


def write_one(path, row):
    file = RowFile(path)
    file.write(row)
    file.close()


def test_rows_are_the_same_bytes_for_the_same_rows(tmp_path):
    with spool(tmp_path) as folder:
        file = RowFile(folder / "x.jsonl")
        file.write({"prompt": "Größe?\u2028", "n": 1})
        file.write({"rating": math.nan})
        file.close()
        assert file.rows == 2
        assert file.path.read_bytes() == '{"prompt":"Größe?\u2028","n":1}\n{"rating":NaN}\n'.encode()


def test_half_of_a_surrogate_pair_is_written_as_an_escape():
    line = line_of({"prompt": "Größe \ud83d"})
    assert line == b'{"prompt":"Gr\\u00f6\\u00dfe \\ud83d"}\n'
    assert json.loads(line) == {"prompt": "Größe \ud83d"}


def test_names_of_strangers_become_names_of_files():
    assert file_name("mlflow", "Phone Reviews/../v2", "thumbs") == "mlflow-phone-reviews-v2-thumbs.jsonl"
    assert file_name("日本") == "feedback.jsonl"
    assert len(file_name("x" * 500)) == 86


def test_a_disk_that_refuses_is_told(tmp_path):
    (tmp_path / ".rlhf").write_text("a file where the folder belongs")
    with pytest.raises(FeedbackError, match=r"cannot write .*spool"), spool(tmp_path):
        pass
    # A device that is always full; a short row is written when the file is closed.
    for row in ({"prompt": "x" * 100_000}, {"prompt": "x"}):
        with pytest.raises(FeedbackError, match="No space left"):
            write_one(Path("/dev/full"), row)
