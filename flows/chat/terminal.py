"""A talk in a terminal: prompts, answers as they are written, and thumbs."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.config import load_params
from components.errors import RlhfError
from components.evaluation.stars import stars_text
from components.feedback.rules import Rules
from components.serving.question import Finished, Measured, Piece, Question
from components.serving.thumbs import DATABASE, Outcome, Said, Thumb, Thumbs, fault_in
from components.serving.version import ServedVersion
from components.serving.writing import write_answers
from flows.chat.telling import new_seed, said_of, score_line
from flows.terminal import note, plain, results, say

CONSENT = "a thumb stores your prompt and this answer as feedback, for training"
_THUMB = re.compile(r"([+-])([12]?)")
_SAID = {
    Outcome.stored: "stored as feedback; `rlhf chat export` passes it on",
    Outcome.final: "this thumb was exported already and can no longer be changed",
    Outcome.other: "somebody else gave this answer a thumb",
}


@dataclass(frozen=True)
class Drawing:
    """How answers are drawn. seed: of every answer; None: another one for each prompt."""

    temperature: float
    max_tokens: int | None
    seed: int | None

    def question(self, prompt: str) -> Question:
        seed = new_seed() if self.seed is None else self.seed
        return Question((prompt,), seed, temperature=self.temperature, max_tokens=self.max_tokens)


@dataclass
class Talk:
    """Attributes:
    versions: who answers each prompt, one after the other.
    annotator: what feedback calls the person.
    last: the answers to the last prompt, which may get a thumb.
    """

    root: Path
    versions: Sequence[ServedVersion]
    drawing: Drawing
    annotator: str
    last: list[Said] = field(default_factory=list)

    def hold(self, read: Callable[[str], str]) -> None:
        """Go on until there is nothing to read. read: given what to show before, a line, or EOFError."""
        note("a line is a prompt, each by itself; + or - is a thumb for the answer; Ctrl-D ends", "dim")
        while True:
            try:
                line = read("> ").encode("utf-8", "replace").decode().strip()
            except EOFError:
                return
            self._take(line, read)

    def ask(self, prompt: str, *, quiet: bool = False) -> list[dict[str, Any]]:
        """What everybody answers, shown as it is written unless `quiet`."""
        question = self.drawing.question(prompt)
        self.last = []
        return [self._answer(served, question, quiet) for served in self.versions]

    def _take(self, line: str, read: Callable[[str], str]) -> None:
        thumb = _THUMB.fullmatch(line)
        if thumb is not None:
            self._give(thumb, read)
        elif line:
            self.ask(line)

    def _answer(self, served: ServedVersion, question: Question, quiet: bool) -> dict[str, Any]:
        if len(self.versions) > 1 and not quiet:
            say(f"{len(self.last) + 1}. {served.label}", "bold")
        found = _follow(served, question, quiet)
        measured = served.judge(question, found)
        self.last.append(said_of(question, found, served.label))
        if not quiet:
            results().print()
            _tell(measured)
        return _told(served, question, found, measured)

    def _give(self, thumb: re.Match[str], read: Callable[[str], str]) -> None:
        said = self._meant(thumb[2])
        if said is None:
            note("say which answer: +1, -2", "yellow") if self.last else note("ask something first", "yellow")
            return
        fault = fault_in(said, self.annotator, _rules(self.root))
        if fault is not None:
            note(f"this cannot become feedback: {fault}", "yellow")
            return
        thumbs = Thumbs(self.root / DATABASE)
        if self._consents(thumbs, read):
            self._store(thumbs, said, Thumb.up if thumb[1] == "+" else Thumb.down)
        else:
            note("nothing was stored", "yellow")

    def _store(self, thumbs: Thumbs, said: Said, thumb: Thumb) -> None:
        try:
            outcome = thumbs.give(said, self.annotator, thumb)
        except sqlite3.OperationalError as error:
            # Another process writes for long, or the disk is full: the talk goes on.
            note(f"this could not be stored just now: {error}", "yellow")
        else:
            note(_SAID[outcome], "dim")

    def _meant(self, number: str) -> Said | None:
        if number:
            return self.last[int(number) - 1] if int(number) <= len(self.last) else None
        return self.last[0] if len(self.last) == 1 else None

    def _consents(self, thumbs: Thumbs, read: Callable[[str], str]) -> bool:
        """Asked once of each person."""
        if thumbs.has_consent(self.annotator):
            return True
        note(f"{CONSENT}, under the name {self.annotator}", "bold")
        if read("go on? [y/N] ").strip().lower() not in ("y", "yes"):
            return False
        thumbs.give_consent(self.annotator)
        return True


def _follow(served: ServedVersion, question: Question, quiet: bool) -> Finished:
    """The one answer, shown as it is written unless `quiet`."""
    pieces = write_answers(served, question)
    while isinstance(found := next(pieces), Piece):
        if not quiet:
            results().print(plain(found.text), end="")
    return found


def _tell(measured: Measured | None) -> None:
    if measured is not None:
        say(f"   {score_line(measured)}", "dim")


def _told(
    served: ServedVersion, question: Question, found: Finished, measured: Measured | None
) -> dict[str, Any]:
    score = None if measured is None else measured.score
    stars = None if measured is None or measured.stars is None else stars_text(measured.stars)
    about = {"version": served.label, "seed": question.seed, "text": found.text}
    return about | {"finish_reason": found.reason, "score": score, "stars": stars}


def _rules(root: Path) -> Rules:
    return Rules.of(load_params(root / "params.yaml").feedback, root)


def checked_kind(kind: str) -> str:
    """Champion, candidate, or the number of a production version.

    Raises:
        RlhfError: it is none of these.
    """
    if kind in ("champion", "candidate") or (kind.isascii() and kind.isdecimal()):
        return kind
    raise RlhfError(
        f"there is no model {kind[:80]!a}", "say champion, candidate, or a production version's number"
    )
