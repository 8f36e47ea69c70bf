"""Addresses of feedback that is not a file: `mlflow://EXPERIMENT?...`, `hf://NAME_OR_FOLDER?...`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote

from components.errors import FeedbackError

#: Scheme -> the options its addresses take.
OPTIONS: dict[str, tuple[str, ...]] = {
    "mlflow": ("filter", "sources", "good", "bad", "preferred", "correction", "demonstration", "scale"),
    "hf": ("config", "split", "revision"),
}
#: Two letters at least: `C:` is a drive.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")


@dataclass(frozen=True)
class Address:
    """Where feedback is.

    Attributes:
        scheme: a key of OPTIONS.
        name: of the experiment, the data set or the folder.
        options: what stands behind the question mark.
    """

    scheme: str
    name: str
    options: Mapping[str, str]

    def __str__(self) -> str:
        """As a person writes it, the options in one order: the same source is always called the same."""
        options = "&".join(f"{key}={self.options[key]}" for key in sorted(self.options))
        return f"{self.scheme}://{self.name}" + (f"?{options}" if options else "")

    def listed(self, option: str) -> frozenset[str]:
        """The names of an option such as `good=helpful,correct`."""
        names = (name.strip() for name in self.options.get(option, "").split(","))
        return frozenset(name for name in names if name)


def is_address(text: str) -> bool:
    return _SCHEME.match(text) is not None


def parse_address(text: str) -> Address:
    """The address that a person wrote.

    Raises:
        FeedbackError: no such scheme or option, or nothing is named.
    """
    match = _SCHEME.match(text)
    scheme = match[1].lower() if match else ""
    if match is None or scheme not in OPTIONS:
        raise FeedbackError(
            f"{text[:80]!a} is no source that is known",
            f"use {', '.join(f'{known}://' for known in OPTIONS)}, or download the file and give its path",
        )
    name, _, query = text[match.end() :].partition("?")
    if not name.strip("/"):
        raise FeedbackError(f"{scheme}:// names nothing", f"write what to read, such as {scheme}://reviews")
    return Address(scheme, unquote(name), _options(scheme, query))


def folder_address(folder: Path) -> Address:
    """A folder given as a path holds a data set."""
    return Address("hf", str(folder), {})


def _options(scheme: str, query: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key not in OPTIONS[scheme]:
            known = ", ".join(OPTIONS[scheme])
            raise FeedbackError(f"{scheme}:// has no option {key[:40]!a}", f"its options are {known}")
        if key in options or not value.strip():
            raise FeedbackError(
                f"{scheme}://: {key} is given twice or is empty", "give it once, with a value"
            )
        options[key] = value
    return options
