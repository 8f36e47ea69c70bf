import errno
import time

import pytest
from safetensors import SafetensorError

from components import disk
from components.disk import refused_by_disk
from components.locks import exclusive, exclusive_within, is_held
from components.stages import running


def test_what_the_disk_refuses_is_told_with_the_file():
    error = refused_by_disk(OSError(errno.ENOSPC, "No space left on device", "models/x"))
    assert error.message == "No space left on device: models/x"
    assert error.remedy.startswith("free some space")
    assert "mount that disk writable" in refused_by_disk(OSError(errno.EROFS, "Read-only file system")).remedy


def test_what_safetensors_says_in_words_and_what_another_error_hides():
    words = "Error while serializing: I/O error: No space left on device (os error 28)"
    assert refused_by_disk(SafetensorError(words)).message == words
    hidden = ValueError("cannot write")
    hidden.__context__ = OSError(errno.ENOSPC, "No space left on device")
    assert refused_by_disk(hidden).message == "No space left on device"


def test_other_errors_are_not_the_disk_s_unless_it_is_full(monkeypatch):
    assert refused_by_disk(ValueError("os error")) is None
    assert refused_by_disk(FileNotFoundError(errno.ENOENT, "No such file", "x")) is None
    monkeypatch.setattr(disk, "FULL_BYTES", 1 << 62)
    assert "ValueError: thrift" in refused_by_disk(ValueError("thrift")).message


def test_a_stage_tells_it_in_two_lines(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def main():
        raise OSError(errno.ENOSPC, "No space left on device", "models/x")

    with pytest.raises(SystemExit) as ended:
        running.run_stage(main, "dpo")
    assert ended.value.code == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first == "error: No space left on device: models/x"
    assert second.startswith("remedy: free some space")
    with pytest.raises(ZeroDivisionError):
        running.run_stage(lambda: 1 / 0, "dpo")


def test_a_lock_is_waited_for_no_longer_than_told(tmp_path):
    lock = tmp_path / "a.lock"
    assert not is_held(lock)
    with exclusive(lock):
        assert is_held(lock)
        before = time.monotonic()
        with pytest.raises(BlockingIOError), exclusive_within(lock, 0.2):
            pass
        assert time.monotonic() - before >= 0.2
    assert not is_held(lock)
    with exclusive_within(lock, 0.2):
        assert is_held(lock)
