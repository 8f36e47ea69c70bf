"""What a file's name must not be, content that a reader of pickles would run, versions that nobody knows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from components.feedback.reasons import BatchError, Reason

#: What begins so is no text, no Parquet and no gzip: pickles of protocol 2 to 5, and arrays of numpy, which may be.
_BINARY = re.compile(rb"\x80[\x02-\x05]|\x93NUMPY")
#: Protocols 0 and 1 are nearly text: a function by module and name, or a list, dict or tuple, then its place in the
#: memo; or a function that attacks call at once.
_TEXTUAL = re.compile(
    rb"(?:c[\w.]{1,80}\n\w{1,80}\n|\([dlt]|[}\])])(?:p[0-9]{1,9}\n|q\x00)"
    rb"|(?:c|\(i)(?:os|posix|nt|subprocess|builtins|__builtin__|runpy|shutil|socket)\n\w{1,80}\n\("
)
#: So much of a file tells what it is.
HEAD_BYTES = 512
#: Name of a column's type in Arrow that is itself a pickle (CVE-2023-47248).
_PICKLED_TYPE = b"arrow.py_extension_type"
_ENCODED = re.compile(r"%(?:25)*(?:2e|2f|5c|00)", re.IGNORECASE)
_KNOWN_VERSIONS = ("1", "1.0")


def check_file_name(name: str) -> None:
    """Pass a file's name that stays where it is put.

    Args:
        name: the base name, or what somebody calls the batch. It is never used as a path, whatever it holds.

    Raises:
        BatchError: PATH.
    """
    fault = _path_fault(name)
    if fault is not None:
        raise BatchError(Reason.PATH, f"the name {name[:100]!a} {fault}", "give the file a plain name")


def _path_fault(name: str) -> str | None:
    if "\0" in name:
        return "holds NUL"
    if _ENCODED.search(name):
        return "holds a piece of a path in percent code"
    if ".." in re.split(r"[/\\]", name):
        return "leads elsewhere by .."
    if name.startswith(("/", "\\", "~/")) or re.match(r"[A-Za-z]:[/\\]", name):
        return "is an absolute path"
    return None


def check_no_pickle(file: str, head: bytes) -> None:
    """Pass content that is no pickle.

    Args:
        head: the first HEAD_BYTES of the content, unpacked where it was packed; or a binary value of a column.

    Raises:
        BatchError: PICKLE.
    """
    if _BINARY.match(head) or _TEXTUAL.match(head):
        raise BatchError(
            Reason.PICKLE,
            f"{file} holds a pickle",
            "send feedback as JSONL, JSON, CSV or Parquet: loading a pickle runs what its author wrote",
        )


def check_no_pickled_type(file: str, metadata: Mapping[bytes, bytes] | None) -> None:
    """Pass a column of an Arrow schema, by its metadata.

    Raises:
        BatchError: PICKLE.
    """
    if metadata and metadata.get(b"ARROW:extension:name") == _PICKLED_TYPE:
        remedy = "write its columns as text and numbers"
        raise BatchError(Reason.PICKLE, f"{file} has a column whose type is a pickle", remedy)


def check_version(version: Any) -> None:
    """Pass what a record names as its `schema_version`; most name none.

    Raises:
        BatchError: SCHEMA_VER.
    """
    if version is not None and str(version) not in _KNOWN_VERSIONS:
        what = f"schema_version is {str(version)[:40]!a}, expected {_KNOWN_VERSIONS[0]}"
        raise BatchError(
            Reason.SCHEMA_VER, what, "export it in the version that is expected, or upgrade the project"
        )
