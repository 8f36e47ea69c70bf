"""Texts at which an answer ends, found while it grows."""

from __future__ import annotations

from collections.abc import Sequence


class Stops:
    """Cuts a text before the first stop, and holds back what may be the beginning of one. found: whether it has cut."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = [stop for stop in stops if stop]
        self._held = ""
        self.found = False

    def add(self, text: str) -> str:
        """What may be shown now that `text` has come."""
        text = self._held + text
        places = [place for stop in self._stops if (place := text.find(stop)) >= 0]
        self.found = bool(places)
        shown = min(places) if places else len(text) - self._begun(text)
        self._held = "" if places else text[shown:]
        return text[:shown]

    def rest(self) -> str:
        """What was held back: no stop became of it."""
        return self._held

    def _begun(self, text: str) -> int:
        """How many of the last characters may begin a stop."""
        return max(
            (
                length
                for stop in self._stops
                for length in range(1, min(len(stop) - 1, len(text)) + 1)
                if text.endswith(stop[:length])
            ),
            default=0,
        )
