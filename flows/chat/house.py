"""What the page and the programs' interface share: the models, the thumbs, and who may ask."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from components.config import load_params
from components.config.chat import ChatParams
from components.errors import BusyError, RegistryError, RlhfError
from components.feedback.rules import Rules
from components.serving.keeper import Keeper
from components.serving.question import Event, Failed, Question, Started
from components.serving.thumbs import DATABASE, Thumbs
from components.serving.worker import Worker
from components.tracking.loading import number_of
from components.tracking.tracker import Tracker, connect
from flows.chat.jobs import ask
from flows.chat.sessions import Sessions
from flows.terminal import note

#: Whom one may ask.
KINDS = ("champion", "candidate")
KEY = "RLHF_API_KEY"


#: Statuses of questions that are not answered. Of the last nobody hears: who asked has gone.
UNKNOWN, BUSY, FAILED, GONE = 404, 429, 503, 499


class AskError(RlhfError):
    """A question is not answered. Attributes: status: which of the four it is."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def no_model(name: str) -> str:
    return f"there is no model {name[:80]!a}: ask one of {', '.join(KINDS)}"


@dataclass(frozen=True)
class House:
    """Attributes:
    workers: one for each of `KINDS`.
    addresses: where people open the page.
    """

    present: Present
    workers: Mapping[str, Worker]
    params: ChatParams
    thumbs: Thumbs
    sessions: Sessions
    rules: Rules
    addresses: frozenset[str]

    async def ask(
        self, request: Request, kind: str, question: Question, *, measured: bool = False
    ) -> tuple[Started, AsyncGenerator[Event]]:
        """Wait until the question's turn has come; what follows comes from the generator.

        Raises:
            AskError: nobody goes by this name, too many wait, the model cannot answer, or nobody listens any more.
        """
        if kind not in self.workers or kind not in await run_in_threadpool(self.present.now):
            raise AskError(UNKNOWN, no_model(kind))
        events = ask(request, self.workers[kind], question, measured=measured)
        try:
            first = await anext(events, None)
        except BusyError as error:
            raise AskError(BUSY, f"{error.message}: {error.remedy}") from None
        if isinstance(first, Failed):
            raise AskError(FAILED, first.message)
        if not isinstance(first, Started):
            raise AskError(GONE, "nobody listens any more")
        return first, events


class Present:
    """Who is there, looked up now and then; while the registry does not answer, who was."""

    def __init__(self, tracker: Tracker, look_s: float) -> None:
        """Raises RegistryError: MLflow cannot be reached."""
        self._tracker, self._look_s = tracker, look_s
        self._found, self._looked = self._look(), time.monotonic()

    def now(self) -> dict[str, str]:
        """The versions by kind, as "reviews/3"."""
        if time.monotonic() - self._looked >= self._look_s:
            self._looked = time.monotonic()
            with suppress(RegistryError):
                self._found = self._look()
        return self._found

    def _look(self) -> dict[str, str]:
        found = {kind: number_of(self._tracker, kind) for kind in KINDS}
        return {kind: f"{self._tracker.model(kind)}/{number}" for kind, number in found.items() if number}


def open_house(root: Path, addresses: frozenset[str]) -> House:
    """Load who is there, its files checked.

    Raises:
        RegistryError: there is neither champion nor candidate, or MLflow cannot be reached.
        ModelError: files of the first of them are damaged.
    """
    # Everything is on this disk: no library needs to ask a hub.
    os.environ["HF_HUB_OFFLINE"] = "1"
    params, tracker = load_params(root / "params.yaml"), connect(root)
    there = Present(tracker, params.chat.look_seconds)
    if not there.now():
        raise RegistryError(
            f"{tracker.name} has neither a champion nor a candidate yet", "run `rlhf retrain`"
        )
    keepers = {kind: _keeper(tracker, kind, params.chat) for kind in KINDS}
    # What is damaged is told now, not to whoever asks first.
    keepers[next(iter(there.now()))].current()
    thumbs = Thumbs(root / DATABASE)
    secure = all(address.startswith("https:") for address in addresses)
    return House(
        there,
        {kind: Worker(keeper, params.chat.waiting, _warn) for kind, keeper in keepers.items()},
        params.chat,
        thumbs,
        Sessions(thumbs, os.environ.get(KEY, ""), secure=secure),
        Rules.of(params.feedback, root),
        addresses,
    )


def _keeper(tracker: Tracker, kind: str, params: ChatParams) -> Keeper:
    return Keeper(tracker, kind, scores=params.scores, look_s=params.look_seconds, warn=_warn)


def _warn(text: str) -> None:
    # Where the terminal is gone rich ends the thread, which then answers nobody any more.
    with suppress(OSError, SystemExit):
        note(f"warning: {text}", "yellow")
