"""A file that came before: it is known by its bytes, under whatever name it comes again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from components.feedback import store
from components.feedback.index import FeedbackIndex
from components.feedback.manifest import IngestResult, Manifest, result_of

#: What a person may do about a file that somebody decided about: by what became of its batch.
_REMEDIES = {
    "refused": "`rlhf feedback release {batch}` takes it in after all",
    "withdrawn": "nothing: what was withdrawn cannot come in again",
}
_ACTS = {"refused": "refused", "withdrawn": "withdrew"}


def known_batch(root: Path, index: FeedbackIndex, sha256: str, *, is_retry: bool = False) -> Manifest | None:
    """The batch that came in a file with this digest and is accepted, waits, was withdrawn or refused.

    Args:
        is_retry: of an accepted batch the same bytes may come again; of these only what waits is known.
    """
    accepted = index.find(sha256)
    if accepted is not None and not (is_retry and _waits(root, sha256)):
        return store.read_manifest(root / store.FEEDBACK / accepted)
    waiting = _waits(root, sha256)
    gone = store.of_file(root / store.QUARANTINE, sha256)
    return waiting or next((manifest for manifest in gone if manifest.status == "refused"), None)


def _waits(root: Path, sha256: str) -> Manifest | None:
    return next(store.of_file(root / store.HELD, sha256), None)


def result_again(label: str, name: str, known: Manifest) -> IngestResult:
    """What a person hears who brings a known file again, under this or another name.

    Args:
        label: the file as it was given; name: as manifests call it.
    """
    if known.status == "accepted":
        return result_of(label, known, "already_ingested")
    return result_of(label, _recalled(known, name), known.status)


def _recalled(known: Manifest, name: str) -> Manifest:
    """The manifest with who decided what about the batch, when and why; as it is where nobody has."""
    deed = next((event for event in reversed(known.events) if event["what"] == known.status), None)
    if deed is None:
        return known
    why = f" ({deed['why']})" if deed["why"] else ""
    what = f"{deed['by']} {_ACTS[known.status]} on {deed['at'][:10]}{why}"
    message = f"{name} holds the bytes of {known.file}, which {what}"
    return replace(known, message=message, remedy=_REMEDIES[known.status].format(batch=known.batch))
