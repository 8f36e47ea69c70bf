"""What is kept of a batch beside its rows is hushed about one person: its record, and the rows that were refused.

Numbers stay, and of a refused row its line, reason and field. Rows of a format whose people have no names but places
(Reader.made) are by all of them together: such a row is hushed as a whole.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from components.feedback import store
from components.feedback.life.person import WITHDRAWN, Person
from components.feedback.manifest import Manifest
from components.feedback.readers.registry import READERS
from components.files import read_json, replacing_file, sweep_leftovers, write_json

#: From a refused row, as rows.jsonl has it, to whether it is this person's; None: nobody can tell.
_IsTheirs = Callable[[dict[str, Any]], bool | None]


@dataclass(frozen=True)
class Hushed:
    """Refused rows whose texts are gone, and those that cannot be read: whose they are nobody can tell."""

    rows: int = 0
    unreadable: int = 0


def hush(folder: Path, person: Person) -> Hushed:
    """Take a person out of what a batch in any room keeps beside its rows; again, where it was killed."""
    _hush_record(folder, person)
    path = folder / store.REFUSED
    if not path.exists():
        return Hushed()
    sweep_leftovers(path)
    is_theirs = _asking(store.read_manifest(folder), person)
    found = Counter(map(is_theirs, map(json.loads, _lines(path))))
    if found[True]:
        with replacing_file(path) as target:
            target.writelines(_hushed(line, is_theirs) for line in _lines(path))
    return Hushed(found[True], found[None])


def _lines(path: Path) -> Iterator[bytes]:
    """One by one: a batch may have millions."""
    with path.open("rb") as lines:
        yield from lines


def _asking(manifest: Manifest, person: Person) -> _IsTheirs:
    reader = READERS.get(manifest.format or "")
    is_everybodys = reader is not None and person.name in reader.made
    is_csv = manifest.file.lower().removesuffix(".gz").endswith(".csv")

    def is_theirs(entry: dict[str, Any]) -> bool | None:
        if entry["raw"] == WITHDRAWN:
            return False
        if is_everybodys or person.is_told_in(entry["message"]):
            return True
        return person.is_named_in(entry["raw"], is_csv=is_csv)

    return is_theirs


def _hushed(line: bytes, is_theirs: _IsTheirs) -> bytes:
    entry = json.loads(line)
    if not is_theirs(entry):
        return line
    entry |= {"raw": WITHDRAWN, "message": f"{WITHDRAWN} {entry['reason']}"}
    return json.dumps(entry, ensure_ascii=True).encode("ascii") + b"\n"


def _hush_record(folder: Path, person: Person) -> None:
    manifest = store.read_manifest(folder)
    hushed = replace(
        manifest,
        message=person.hidden(manifest.message),
        findings=person.hidden(manifest.findings),
        events=[event | {"why": person.hidden(event["why"])} for event in manifest.events],
    )
    if hushed != manifest:
        write_json(folder / store.MANIFEST, hushed.to_json())
    quality = folder / store.QUALITY
    if quality.exists() and (found := read_json(quality)) != (quiet := person.hidden(found)):
        write_json(quality, quiet)
