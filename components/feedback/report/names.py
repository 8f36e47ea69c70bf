"""Annotators' names out of figures and findings, pseudonyms in: who gave feedback is nobody's business there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from components.pages.pseudonyms import pseudonyms

#: Keys of figures under which names stand: one name, or a list of them.
_KEYS = ("annotator", "annotators")
#: Of whom the message of a refused row tells (SELF_CONFLICT), known from accepted rows or not.
_CONTRADICTS = re.compile(r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")(?= prefers both)""")


class Masks:
    """Pseudonyms of all annotators that appear in some rows and figures."""

    def __init__(self, names: Iterable[str], *figures: Any) -> None:
        self._masks = pseudonyms({*names, *(name for part in figures for name in _names_in(part))})

    def of(self, name: str) -> str:
        return self._masks[name]

    def hide(self, figures: Any) -> Any:
        """The same figures with pseudonyms for names, in messages too, where names are written as ascii() does."""
        if isinstance(figures, Mapping):
            return {key: self._hide_under(key, value) for key, value in figures.items()}
        if isinstance(figures, list | tuple):
            return [self.hide(value) for value in figures]
        return figures

    def hide_in(self, text: str) -> str:
        """A message with pseudonyms; long names first: one may be the beginning of another."""
        text = _CONTRADICTS.sub(lambda match: _pseudonym(ast.literal_eval(match[0])), text)
        for name in sorted(self._masks, key=len, reverse=True):
            text = text.replace(ascii(name), self._masks[name])
        return text

    def hide_cells(self, line: str) -> str:
        """A line of CSV with pseudonyms for cells that are a name."""
        cells = line.split(",")
        bare = [cell.strip().strip('"') for cell in cells]
        return ",".join(self._masks.get(name, cell) for name, cell in zip(bare, cells, strict=True))

    def _hide_under(self, key: str, value: Any) -> Any:
        if key in _KEYS and isinstance(value, str):
            return self.of(value)
        if key in _KEYS and isinstance(value, list | tuple):
            return [self.of(item) if isinstance(item, str) else self.hide(item) for item in value]
        return self.hide_in(value) if key == "message" and isinstance(value, str) else self.hide(value)


def _pseudonym(name: str) -> str:
    return pseudonyms([name])[name]


def _names_in(figures: Any) -> Iterator[str]:
    if isinstance(figures, Mapping):
        for key, value in figures.items():
            named = value if isinstance(value, list | tuple) else [value]
            if key in _KEYS:
                yield from (name for name in named if isinstance(name, str))
            yield from _names_in(value)
    elif isinstance(figures, list | tuple):
        for value in figures:
            yield from _names_in(value)
