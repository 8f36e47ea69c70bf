"""A file's plain bytes as a stream: gzip unpacked with care, whatever its size."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from components.feedback.limits import EXPANSION_FLOOR_BYTES, MAX_BATCH_BYTES, MAX_EXPANSION
from components.feedback.reasons import BatchError, Reason


@dataclass(frozen=True)
class Span:
    """Bytes of a file that whoever needs them reads: sent to another process, they would cost more."""

    path: Path
    start: int
    size: int

    def read(self) -> bytes:
        with self.path.open("rb") as handle:
            handle.seek(self.start)
            return handle.read(self.size)


class PlainStream:
    """Reads plain bytes; what is wrong with their wrapping is a BatchError.

    Args:
        name: of the file, for messages.
        most: bytes that may come out; more is a bomb. None: any number.
        path: where the bytes lie as they are read; None: nowhere, they are unpacked.
        share: of the file's own bytes, how much was read so far.

    Attributes:
        count: how many bytes were read so far.
    """

    def __init__(
        self,
        name: str,
        handle: BinaryIO | gzip.GzipFile,
        most: int | None,
        path: Path | None = None,
        share: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._name = name
        self._handle = handle
        self._most = most
        self._path = path
        self._start = b""
        self.share = share
        self.count = 0

    def piece(self, start: int, content: bytes) -> bytes | Span:
        """Bytes that were read, to be kept for later.

        Args:
            start: where they begin in the stream.
        """
        return content if self._path is None else Span(self._path, start, len(content))

    def peek(self, size: int) -> bytes:
        """The first bytes, which are read again afterwards. Call it before `read`, once."""
        self._start = self._read(size)
        return self._start

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, none at the end.

        Raises:
            BatchError: TRUNCATED, DAMAGED or BOMB.
        """
        start, self._start = self._start, b""
        return start or self._read(size)

    def _read(self, size: int) -> bytes:
        try:
            content = self._handle.read(size)
        except EOFError:
            what, remedy = f"{self._name} ends before its gzip stream does", "send the whole file again"
            raise BatchError(Reason.TRUNCATED, what, remedy) from None
        except (gzip.BadGzipFile, zlib.error) as error:
            what = f"{self._name} is damaged gzip: {error}"
            raise BatchError(Reason.DAMAGED, what, "send the file again") from None
        self.count += len(content)
        if self._most is not None and self.count > self._most:
            remedy = "check what it holds; split it if it is feedback"
            raise BatchError(Reason.BOMB, f"{self._name} expands to more than {self._most} bytes", remedy)
        return content


@contextmanager
def plain_stream(name: str, path: Path, zipped: bool) -> Iterator[PlainStream]:
    """The content of a file, from its first byte.

    Args:
        zipped: whether it is gzip.
    """
    given = path.stat().st_size
    with path.open("rb") as handle:

        def share() -> float:
            return min(1.0, handle.tell() / max(1, given))

        if not zipped:
            yield PlainStream(name, handle, None, path, share)
            return
        most = min(MAX_BATCH_BYTES, max(EXPANSION_FLOOR_BYTES, MAX_EXPANSION * given))
        with gzip.open(handle) as unpacked:
            yield PlainStream(name, unpacked, most, share=share)
