"""What the sender says of a file, beside it: NAME.sha256 as `sha256sum` writes it, or NAME.declared.json.

    {"batch": "vendor-2026-11", "rows": 1200, "sha256": "...", "licence": "CC-BY-4.0", "schema_version": 1}

Every field is optional; the licence is named as https://spdx.org/licenses does. A file that is not what was
declared did not arrive as it was sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.feedback.parsing.strict_json import StrictJson
from components.feedback.reasons import BatchError, Reason, RowError
from components.feedback.rules.files import check_file_name, check_version
from components.files import write_json

SUFFIXES = (".sha256", ".declared.json")
_SHA256 = re.compile(r"[0-9a-f]{64}", re.IGNORECASE)
#: An expression of SPDX: names of licences, and AND, OR, WITH and brackets.
_LICENCE = re.compile(r"[A-Za-z0-9(][A-Za-z0-9.+:() -]{0,99}")
_LICENCE_NAMES = ("licence", "license")
#: A declaration is short; what is longer is something else.
_MOST_BYTES = 1 << 16
_REMEDY = "send the file again, or mend its declaration"


@dataclass(frozen=True)
class Declaration:
    """What the sender says; None: nothing.

    Attributes:
        batch: how the sender calls the batch. It names one file for ever.
        licence: under which the rows were given.
    """

    batch: str | None = None
    rows: int | None = None
    sha256: str | None = None
    licence: str | None = None

    def check_bytes(self, name: str, sha256: str) -> None:
        """Pass a file with the declared digest.

        Raises:
            BatchError: DIGEST.
        """
        if self.sha256 is not None and self.sha256 != sha256:
            what = f"{name} has the SHA-256 {sha256[:16]}..., declared is {self.sha256[:16]}..."
            raise BatchError(Reason.DIGEST, what, _REMEDY)

    def check_rows(self, name: str, rows: int) -> None:
        """Pass a file with the declared number of rows.

        Raises:
            BatchError: DIGEST.
        """
        if self.rows is not None and self.rows != rows:
            raise BatchError(Reason.DIGEST, f"{name} has {rows} rows, declared are {self.rows}", _REMEDY)


def is_declaration(path: Path) -> bool:
    """Whether a file speaks of another one."""
    return path.name.endswith(SUFFIXES)


def is_licence(text: str) -> bool:
    """Whether a text is a name of a licence, or an expression of such names."""
    return _LICENCE.fullmatch(text) is not None


def is_declared(path: Path) -> bool:
    """Whether something is declared of a file."""
    return any(_is_there(path.with_name(path.name + suffix)) for suffix in SUFFIXES)


def declare_licence(path: Path, licence: str) -> None:
    """Write beside a file under which licence its rows are given."""
    write_json(path.with_name(path.name + SUFFIXES[1]), {"licence": licence})


def read_declaration(path: Path) -> Declaration:
    """What is declared of a file, by the files beside it.

    Raises:
        BatchError: DIGEST where a declaration cannot be read, SCHEMA_VER or PATH where it says what cannot be.
    """
    sum_file, declared = (path.with_name(path.name + suffix) for suffix in SUFFIXES)
    said = _fields(declared) if _is_there(declared) else {}
    batch, rows, sha256 = (said.get(name) for name in ("batch", "rows", "sha256"))
    try:
        check_version(said.get("schema_version"))
        check_file_name("" if batch is None else str(batch))
    except BatchError as error:
        raise BatchError(error.code, f"{declared.name}: {error.message}", error.remedy) from None
    if _is_there(sum_file):
        sha256 = _text(sum_file).split(" ", 1)[0].strip()
    return Declaration(
        batch=None if batch is None else _typed(declared, "batch", batch, str),
        rows=None if rows is None else _typed(declared, "rows", rows, int),
        sha256=None if sha256 is None else _digest(path.name, sha256),
        licence=_licence(declared, said),
    )


def name_is_taken(file: str, name: str | None, taker: str, remedy: str) -> BatchError:
    """ID_REUSE: a sender's name for a batch stands for the bytes that came first under it, as the batch `taker`."""
    what = f"{file} is declared as batch {name!a}, which came with other bytes as {taker}"
    return BatchError(Reason.ID_REUSE, what, remedy)


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        # A name as long as names may be has no room for a suffix.
        return False


def _fields(path: Path) -> dict[str, Any]:
    try:
        return dict(_typed(path, "it", StrictJson().decode(_text(path)), dict))
    except RowError as fault:
        raise _unreadable(path, fault.what) from None


def _text(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(_MOST_BYTES)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise _unreadable(path, "is not UTF-8") from None


def _digest(name: str, value: Any) -> str:
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise BatchError(Reason.DIGEST, f"what is declared of {name} as its SHA-256 is none", _REMEDY)
    return value.lower()


def _licence(path: Path, said: dict[str, Any]) -> str | None:
    """The licence, in either of the two ways to spell the word."""
    given = {_typed(path, name, said[name], str) for name in _LICENCE_NAMES if said.get(name) is not None}
    if len(given) > 1:
        raise _unreadable(path, f"says two things: {' and '.join(_LICENCE_NAMES)} differ")
    licence: str | None = next(iter(given), None)
    if licence is not None and not is_licence(licence):
        raise _unreadable(path, f"says: licence {licence[:40]!a} is no name of a licence, such as CC-BY-4.0")
    return licence


def _typed(path: Path, field: str, value: Any, kind: type) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise _unreadable(path, f"{field} is no {kind.__name__}")
    return value


def _unreadable(path: Path, what: str) -> BatchError:
    return BatchError(Reason.DIGEST, f"the declaration {path.name} {what}", _REMEDY)
