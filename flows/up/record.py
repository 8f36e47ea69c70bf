"""What runs, as `.rlhf/up.json` tells it: written by the supervisor alone, read by every command."""

from __future__ import annotations

import json
import socket
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from components.files import write_json
from components.workspace import STATE
from flows.up.identity import Identity

#: States of a program. "failing": it ended several times in a row; it is still tried, ever more rarely.
WAITING, STARTING, UP, DONE, FAILING = "waiting", "starting", "up", "done", "failing"

_CONNECT_S = 1.0


@dataclass(frozen=True)
class ProgramRecord:
    """One program.

    Attributes:
        state: one of the states above.
        process: while it runs.
        url: where a person finds it; "" where it has no page.
        address: host and port that it listens at, or None.
        restarts: how often it ended by itself, of late.
        log: what it prints, relative to the project.
        said: how it ended last.
    """

    state: str
    process: Identity | None
    url: str
    address: tuple[str, int] | None
    restarts: int
    log: str
    said: str


@dataclass(frozen=True)
class Record:
    """Everything that `rlhf up` started. `since` is the start of the supervisor, with time zone."""

    supervisor: Identity
    since: str
    ending: bool
    programs: dict[str, ProgramRecord]

    @property
    def is_running(self) -> bool:
        return self.supervisor.is_alive

    @property
    def is_settled(self) -> bool:
        """Nothing is on its way any more: what still waits, waits for something that fails."""
        states = {program.state for program in self.programs.values()}
        return STARTING not in states and (WAITING not in states or FAILING in states)


def record_path(root: Path) -> Path:
    return root / STATE / "up.json"


def write_record(root: Path, record: Record) -> None:
    write_json(record_path(root), asdict(record))


def read_record(root: Path) -> Record | None:
    """What was written last, by whomever; None where nothing was, or by another version of this program."""
    try:
        content = json.loads(record_path(root).read_text(encoding="utf-8"))
        programs = {name: _program(fields) for name, fields in content.pop("programs").items()}
        return Record(Identity(**content.pop("supervisor")), programs=programs, **content)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _program(fields: dict) -> ProgramRecord:  # type: ignore[type-arg]
    known = ProgramRecord(**fields)
    process = Identity(**known.process) if known.process else None  # type: ignore[arg-type]
    address = (str(known.address[0]), int(known.address[1])) if known.address else None
    return replace(known, process=process, address=address)


def answers(program: ProgramRecord) -> bool:
    """Whether the very process that was recorded runs, and something accepts connections at its address."""
    if program.state != UP or program.process is None or not program.process.is_alive:
        return False
    return program.address is not None and accepts_connections(*program.address)


def accepts_connections(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=_CONNECT_S).close()
    except OSError:
        return False
    return True
