"""Which registered versions stay: those in use, by whatever name, the newest, some before, and what they come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from components.cleaning.foreign import Foreign, foreign_versions
from components.cleaning.item import Policy
from components.errors import ModelError, RegistryError
from components.files import read_json
from components.tracking.audit import read_log
from components.tracking.audit_trail import inspect
from components.tracking.history import champions
from components.tracking.packages import fetch, staging
from components.tracking.reconciling import APPROVE, OUTCOME
from components.tracking.registration import LINEAGE
from components.tracking.tracker import Tracker
from components.tracking.verdict import READY
from components.tracking.verification import is_lineage
from components.tracking.versions import all_versions, read_model

_PARENTS = ("sft", "reward")
Key = tuple[str, str]


def key_of(version: Any) -> Key:
    return version.name, str(version.version)


@dataclass(frozen=True)
class Registry:
    """All versions of the production model, of the candidates and of their parents, read once.

    Attributes:
        versions: by name and number, oldest first.
        stays: of these, those that the policy leaves.
        foreign: versions under other names: what they use is theirs, too.
        lineages: of those that were asked for.
    """

    tracker: Tracker
    versions: dict[Key, Any]
    stays: set[Key]
    foreign: list[Foreign] = field(default_factory=list)
    lineages: dict[Key, dict[str, Any]] = field(default_factory=dict)

    def lineage(self, version: Any) -> dict[str, Any]:
        """What the version's files say of its origin.

        Raises:
            RegistryError: they do not; nothing that it may rest on can be told from what may go.
        """
        key = key_of(version)
        if key not in self.lineages:
            self.lineages[key] = _lineage(self.tracker, version)
        return self.lineages[key]

    def is_used(self, uri: str) -> bool:
        """Whether a version under another name needs what is at this URI."""
        return any(each.uses(uri) for each in self.foreign)

    def of_model(self, name: str) -> list[Any]:
        return [version for (model, _), version in self.versions.items() if model == name]


def read_registry(tracker: Tracker, policy: Policy) -> Registry:
    """Raises RegistryError where MLflow, or the lineage of a version that stays, cannot be read."""
    names = [tracker.name, *map(tracker.model, ("candidate", *_PARENTS))]
    versions = {key_of(each): each for name in names for each in all_versions(tracker, name)}
    registry = Registry(tracker, versions, set(), foreign_versions(tracker, names))
    for name in names:
        young = (each for each in registry.of_model(name) if policy.is_young(each.creation_timestamp / 1000))
        registry.stays.update(map(key_of, young))
        registry.stays.update((name, str(number)) for number in read_model(tracker, name, "aliases").values())
    registry.stays.update(key for key, each in versions.items() if registry.is_used(each.source))
    registry.stays.update(_production(registry, policy))
    registry.stays.update(_candidates(registry, policy))
    registry.stays.intersection_update(versions)
    registry.stays.update(_parents(registry))
    return registry


def _production(registry: Registry, policy: Policy) -> Iterator[Key]:
    """The present champion, those before it, and the newest: one that was rolled back may be wanted again.

    All, where the audit log does not tell.
    """
    tracker = registry.tracker
    versions = registry.of_model(tracker.name)
    if inspect(tracker).faults:
        yield from map(key_of, versions)
        return
    yield from map(key_of, versions[-policy.params.production :])
    kept: list[Mapping[str, Any]] = []
    for act in reversed(champions(read_log(tracker.root), tracker.name)):
        # At least one other model must be there to go back to, whatever number of copies one has.
        if len(kept) >= policy.params.production and len({each.get("sha256") for each in kept}) > 1:
            return
        kept.append(act)
        yield tracker.name, str(act["version"])


def _candidates(registry: Registry, policy: Policy) -> Iterator[Key]:
    """The newest, and those that a reviewer may still decide about."""
    tracker = registry.tracker
    candidates = registry.of_model(tracker.model("candidate"))
    promoted = {each.tags.get("candidate_version") for each in registry.of_model(tracker.name)}
    last = max((int(number) for number in promoted if number and number.isdecimal()), default=0)
    asked = (
        read_model(tracker, tracker.name, "tags").get(APPROVE, "").strip().partition(" ")[0].partition("@")[0]
    )
    newest = candidates[-policy.params.candidates :]
    for each in candidates:
        waits = each.tags.get("verdict") == READY and OUTCOME not in each.tags and int(each.version) > last
        if waits or each in newest or str(each.version) == asked:
            yield key_of(each)


def _parents(registry: Registry) -> set[Key]:
    """What the versions that stay were made from, and that in turn; of damaged ones also their newest twin."""
    found: set[Key] = set()
    waiting = list(registry.stays)
    while waiting:
        key = waiting.pop()
        parents = {
            twin
            for kind, number in registry.lineage(registry.versions[key])["parents"].items()
            for twin in _twins(registry, registry.tracker.model(kind), str(number))
        }
        waiting += parents - found - registry.stays
        found |= parents
    return found


def _twins(registry: Registry, name: str, number: str) -> Iterator[Key]:
    parent = registry.versions.get((name, number))
    if parent is None:
        return
    yield key_of(parent)
    source = parent.tags.get("source_sha256")
    same = [each for each in registry.of_model(name) if source and each.tags.get("source_sha256") == source]
    yield from map(key_of, same[-1:])


def _lineage(tracker: Tracker, version: Any) -> dict[str, Any]:
    with staging(tracker.root) as scratch:
        try:
            place = fetch(tracker, f"{version.source}/{LINEAGE}", scratch)
            content = read_json(place)
        except (ModelError, OSError, ValueError):
            content = None
    if not is_lineage(content):
        raise RegistryError(
            f"{version.name} version {version.version} does not say what it rests on: {LINEAGE} is missing or damaged",
            f"nothing is removed; put it back from a backup, or delete that version in MLflow "
            f"(`rlhf verify {version.version}` names what is damaged)",
        )
    lineage: dict[str, Any] = content
    return lineage
