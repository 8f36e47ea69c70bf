"""Versions that people registered under other names: files of the pipeline's that they use stay as long as they do."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from components.tracking.tracker import Tracker

#: A version that was copied leads to the files of the other; so does one that names a run.
_VERSION, _RUN = "models:/", "runs:/"
#: How MLflow lays out the artefacts of a run, in whatever store.
_ARTEFACTS = re.compile(r".*/([0-9a-f]{32})/artifacts(/.*)?")


@dataclass(frozen=True)
class Foreign:
    """Attributes: run: that it names; files: where its files are."""

    run: str
    files: str

    def uses(self, uri: str) -> bool:
        """Whether its files are those at this URI, some of them, or these and others."""
        mine, other = _comparable(self.files), _comparable(uri)
        return mine.startswith(other) or other.startswith(mine)


def foreign_versions(tracker: Tracker, own: Collection[str]) -> list[Foreign]:
    """All versions of models that are none of our `own`, and what people copied into these."""
    found: list[Foreign] = []
    token = None
    while True:
        page = tracker.client.search_model_versions(page_token=token)
        found += [
            _foreign(tracker, each)
            for each in page
            if each.name not in own or each.source.startswith(_VERSION)
        ]
        token = page.token
        if not token:
            return found


def _foreign(tracker: Tracker, version: Any) -> Foreign:
    files = version.source
    if files.startswith(_VERSION):
        files = tracker.client.get_model_version_download_uri(version.name, str(version.version))
    return Foreign(version.run_id or _comparable(files).partition("/")[0], files)


def _comparable(uri: str) -> str:
    """The run and the place among its artefacts, where it is of a run."""
    found = _ARTEFACTS.fullmatch(uri)
    short = f"{found[1]}{found[2] or ''}" if found else uri.removeprefix(_RUN)
    return f"{short.rstrip('/')}/"
