"""The fields of one record, read by name and strictly by type: what does not fit raises a RowError."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from components.feedback.chat import chat_prompt
from components.feedback.draft import Message, PromptText
from components.feedback.parsing.strict_json import StrictJson
from components.feedback.reasons import Reason, RowError
from components.feedback.values import as_moment, as_number, as_whole, kind_of, plain


class Fields:
    """Fields of one record.

    Args:
        values: the record.
        textual: whether the file holds text alone (CSV): numbers and lists are then read from their
            spelling, and an empty field is an absent one.
        path: where the record lies in a larger one, such as "data.", for messages.
    """

    def __init__(self, values: Mapping[str, Any], textual: bool = False, path: str = "") -> None:
        self._values = values
        self._textual = textual
        self._path = path
        self._used: set[str] = set()

    def has(self, name: str) -> bool:
        """Whether there is a value that says something."""
        value = self._values.get(name)
        return value is not None and not (self._textual and value == "")

    def text(self, name: str) -> str:
        """Text that the record must have; null counts as empty, and is for validation to refuse."""
        value = self._required(name)
        return "" if value is None else self._typed(name, value, str)

    def optional_text(self, name: str) -> str | None:
        self._used.add(name)
        value = self._values.get(name)
        return None if value is None else self._typed(name, value, str) or None

    def name(self, name: str) -> str | None:
        """An id, an annotator: text, or a whole number as it is written ("00123" stays so)."""
        self._used.add(name)
        value = self._values.get(name)
        if value is None or isinstance(value, str):
            return value or None
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return self._typed(name, value, str)

    def number(self, name: str) -> float:
        return as_number(self._present(name), self._path + name, self._textual)

    def optional_number(self, name: str) -> float | None:
        self._used.add(name)
        value = self._values.get(name)
        if value is None or (self._textual and value == ""):
            return None
        return as_number(value, self._path + name, self._textual)

    def amount(self, name: str) -> float | None:
        """A number that is not negative, or None where there is none."""
        amount = self.optional_number(name)
        if amount is not None and amount < 0:
            raise RowError(Reason.RANGE, self._path + name, f"is {amount:g}, below 0")
        return amount

    def whole(self, name: str) -> int:
        return as_whole(self._present(name), self._path + name, self._textual)

    def choice(self, name: str, meanings: Mapping[Any, float], allowed: str) -> float:
        """What a value stands for. Spelling is free in case and outer blanks."""
        value = self._present(name)
        if not isinstance(value, str | bool | int):
            raise RowError(Reason.TYPE, self._path + name, f"is {kind_of(value)}, expected {allowed}")
        key = value.strip().lower() if isinstance(value, str) else value
        if key not in meanings:
            raise RowError(Reason.RANGE, self._path + name, f"is {str(value)[:40]!a}, expected {allowed}")
        return meanings[key]

    def optional_choice(self, name: str, meanings: Mapping[Any, float], allowed: str) -> float | None:
        self._used.add(name)
        return self.choice(name, meanings, allowed) if self.has(name) else None

    def moment(self, name: str) -> datetime | None:
        """A time in UTC, or None where there is none."""
        value = self._values.get(name)
        self._used.add(name)
        if value is None or (self._textual and value == ""):
            return None
        return as_moment(value, self._path + name)

    def items(self, name: str) -> list[Any]:
        value = self._present(name)
        if self._textual and isinstance(value, str):
            value = self._decoded(name, value)
        return self._typed(name, value, list)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts; null counts as empty."""
        return tuple("" if item is None else self._typed(name, item, str) for item in self.items(name))

    def wholes(self, name: str) -> tuple[int, ...]:
        return tuple(as_whole(item, self._path + name) for item in self.items(name))

    def part(self, name: str) -> Fields:
        return self._inner(name, self._present(name))

    def parts(self, name: str) -> list[Fields]:
        return [self._inner(name, item) for item in self.items(name)]

    def names(self) -> list[str]:
        return list(self._values)

    def peek(self, name: str) -> Any:
        """The value as it stands, for a field whose type decides how it is read."""
        return self._values.get(name)

    def prompt(self, name: str = "prompt") -> PromptText:
        """A prompt as text, or as a chat: a list of {role, content}."""
        value = self._values.get(name)
        if not isinstance(value, list):
            return PromptText(self.text(name), name=self._path + name)
        return chat_prompt(self.messages(name), self._path + name)

    def messages(self, name: str, content: str = "content") -> list[Message]:
        """Turns of a chat: objects that hold a role and, under `content`, a text."""
        return [Message(turn.text("role"), turn.text(content)) for turn in self.parts(name)]

    def use(self, *names: str) -> None:
        """Keep fields out of the rest: they are read in another way."""
        self._used.update(names)

    def rest(self) -> dict[str, Any]:
        """Fields that nothing has read, as plain JSON values; null ones say nothing and are left out."""
        if self._values.keys() <= self._used:
            return {}
        names = (name for name in self._values if name not in self._used and self.has(name))
        return {str(name): plain(self._values[name]) for name in names}

    def _required(self, name: str) -> Any:
        self._used.add(name)
        if name not in self._values:
            raise RowError(Reason.MISSING_COL, self._path + name, "is missing")
        return self._values[name]

    def _present(self, name: str) -> Any:
        value = self._required(name)
        if not self.has(name):
            raise RowError(Reason.MISSING_COL, self._path + name, "is empty")
        return value

    def _inner(self, name: str, value: Any) -> Fields:
        return Fields(self._typed(name, value, dict), path=f"{self._path}{name}.")

    def _typed(self, name: str, value: Any, expected: type) -> Any:
        if not isinstance(value, expected):
            what = f"is {kind_of(value)}, expected {kind_of(expected())}"
            raise RowError(Reason.TYPE, self._path + name, what)
        return value

    def _decoded(self, name: str, value: str) -> Any:
        try:
            return StrictJson().decode(value)
        except RowError as error:
            raise RowError(error.code, self._path + name, error.what) from None
