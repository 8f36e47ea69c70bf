"""Recomputes every digest that a registered version rests on, and names each file that is not what was recorded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.errors import ModelError, RegistryError
from components.files import read_json
from components.tracking import verification_sources
from components.tracking.findings import Findings
from components.tracking.manifest import mismatches
from components.tracking.origins import acts_on
from components.tracking.packages import fetch, is_local, staging
from components.tracking.registration import LINEAGE
from components.tracking.tracker import Tracker
from components.tracking.versions import get_version

#: As DVC writes it, of a file or of a folder's listing.
MD5 = re.compile(r"[0-9a-f]{32}(\.dir)?")


@dataclass(frozen=True)
class Verified:
    """A version and what it rests on. Attributes: parts: findings by what was looked at."""

    name: str
    version: str
    parts: dict[str, Findings]

    @property
    def mismatches(self) -> list[str]:
        return [said for part in self.parts.values() for said in part.mismatches]


class Verifier:
    """Verifies versions one after another; what several rest on is read once."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._known: dict[tuple[str, str], Findings] = {}
        self._lineages: dict[tuple[str, str], dict[str, Any] | None] = {}

    def verify(self, version: Any) -> Verified:
        """Recompute the digests of the version's files, its parents', its feedback's, and those in DVC's cache.

        Raises:
            RegistryError: MLflow cannot be reached.
        """
        parts = {"files": self._files(version)}
        lineage = self._lineages[_key(version)]
        if lineage is None:
            return Verified(*_key(version), parts)
        for kind, number in lineage["parents"].items():
            parts[f"parent {kind}"] = self._parent(kind, number)
        root = self._tracker.root
        parts["feedback"] = self._once(
            ("feedback", lineage["feedback"]), lambda: verification_sources.feedback(root, lineage)
        )
        parts["dvc"] = self._once(
            ("dvc", str(sorted(lineage["dvc"].items()))), lambda: verification_sources.outputs(root, lineage)
        )
        return Verified(*_key(version), parts)

    def _parent(self, kind: str, number: str) -> Findings:
        name = self._tracker.model(kind)
        try:
            return self._files(get_version(self._tracker, name, number))
        except RegistryError as error:
            return Findings(unchecked=[f"{error.message}: it was deleted"])

    def _files(self, version: Any) -> Findings:
        return self._once(_key(version), lambda: self._read(version))

    def _read(self, version: Any) -> Findings:
        """The files as the store has them; a copy that this workspace keeps of a remote store's proves nothing."""
        found = Findings(mismatches=list(_records(self._tracker, version)))
        with staging(self._tracker.root) as scratch:
            try:
                folder = fetch(self._tracker, version.source, scratch)
            except ModelError as error:
                found.mismatches.append(error.message)
                folder = scratch
            else:
                wrong = list(mismatches(folder, version.tags.get("sha256", "")))
                # What was fetched is gone when people read this: it is named by its place in the store.
                place = str(folder) if is_local(version.source) else version.source
                found.mismatches += [said.replace(str(folder), place) for said in wrong]
                found.matching = max(0, sum(path.is_file() for path in folder.rglob("*")) - len(wrong))
            # What was changed is not followed: it may point anywhere.
            harmed = any(f"{LINEAGE}:" in said for said in found.mismatches)
            self._lineages[_key(version)] = None if harmed else _lineage(folder / LINEAGE)
        if self._lineages[_key(version)] is None:
            found.unchecked.append("its lineage cannot be read: nothing behind it was checked")
        return found

    def _once(self, key: tuple[str, str], look: Callable[[], Findings]) -> Findings:
        if key not in self._known:
            self._known[key] = look()
        return self._known[key]


def verify_all(tracker: Tracker, versions: Iterable[Any]) -> Iterator[Verified]:
    verifier = Verifier(tracker)
    return (verifier.verify(version) for version in versions)


def _key(version: Any) -> tuple[str, str]:
    return version.name, str(version.version)


def _lineage(path: Path) -> dict[str, Any] | None:
    try:
        content = read_json(path)
    except (ValueError, FileNotFoundError):
        return None
    return content if is_lineage(content) else None


def is_lineage(content: object) -> bool:
    """Whether it has the fields that are followed, and digests that are digests."""
    if (
        not isinstance(content, dict)
        or not {"parents", "feedback", "dvc", "feedback_batches"} <= content.keys()
    ):
        return False
    if not isinstance(content["parents"], dict) or not isinstance(content["dvc"], dict):
        return False
    md5s = [content["feedback"], *content["dvc"].values()]
    return isinstance(content["feedback_batches"], list) and all(
        not md5 or (isinstance(md5, str) and MD5.fullmatch(md5)) for md5 in md5s
    )


def _records(tracker: Tracker, version: Any) -> Iterator[str]:
    """Whether the digest in the registry is the one that the audit log has, and that of the candidate it copies."""
    tag, said = (
        version.tags.get("sha256", ""),
        f"{version.name} version {version.version}: the registry says {{}}",
    )
    for act in acts_on(tracker, version):
        if "sha256" in act and act["sha256"] != tag:
            logged = f"the audit log of {act.get('time')} {str(act['sha256'])[:12]}"
            yield said.format(f"SHA-256 {tag[:12]}, {logged}")
    number = version.tags.get("candidate_version") if version.name == tracker.name else None
    candidate = _tags_of(tracker, number) if number else {}
    if candidate.get("sha256", tag) != tag:
        yield said.format(
            f"SHA-256 {tag[:12]}, of candidate {number}, which it copies, {candidate['sha256'][:12]}"
        )


def _tags_of(tracker: Tracker, number: str) -> Mapping[str, str]:
    try:
        tags: Mapping[str, str] = get_version(tracker, tracker.model("candidate"), number).tags
    except RegistryError:
        return {}
    return tags
