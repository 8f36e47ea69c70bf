"""Flow `curate`: what people do with a batch after it came in, and the version of the feedback that it makes.

Prefect keeps the parameters of a run for good, where no erasure finds them. Whose feedback is withdrawn, and the
reasons that people write, which may name others, are handed on as secrets: of these it keeps asterisks. The reasons are
on record with the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from prefect import flow
from pydantic import SecretStr

from components.config import load_params
from components.feedback.life.decisions import refuse, release
from components.feedback.life.mending import retry
from components.feedback.life.withdrawal import Erasure, withdraw_annotator, withdraw_batch, withdraw_lines
from components.feedback.manifest import IngestResult, Manifest, result_of
from components.feedback.store import list_manifests
from flows.dead_runs import while_alive
from flows.forgetting import forget
from flows.ingest import ingest_options, publishing
from flows.pages import refresh_page, write_page


@flow(name="release", validate_parameters=False)
@while_alive
def release_batch(root: Path, batch: str, why: SecretStr) -> Manifest:
    """A held batch becomes part of the feedback."""
    with publishing(root) as results:
        params = load_params(root / "params.yaml").feedback
        manifest = release(root / "data", batch, why.get_secret_value(), params)
        results.append(result_of(manifest.file, manifest, manifest.status))
    return manifest


@flow(name="refuse", validate_parameters=False)
@while_alive
def refuse_batch(root: Path, batch: str, why: SecretStr) -> Manifest:
    """A held batch is put aside for good."""
    manifest = refuse(root / "data", batch, why.get_secret_value())
    write_page(root, batch)
    return manifest


@flow(name="withdraw", validate_parameters=False)
@while_alive
def withdraw(
    root: Path, batch: str | None, annotator: SecretStr | None, why: SecretStr, lines: Sequence[int] = ()
) -> Erasure:
    """A batch, some of its lines, or what one person said, leaves the feedback."""
    reason = why.get_secret_value()
    with publishing(root):
        if annotator is not None:
            params, name = load_params(root / "params.yaml").feedback, annotator.get_secret_value()
            # First: what is exported from now on is not theirs.
            on_pages = forget(root, name)
            erasure = replace(withdraw_annotator(root / "data", name, reason, params), on_pages=on_pages)
        elif lines:
            erasure = Erasure([withdraw_lines(root / "data", batch or "", lines, reason)])
        else:
            erasure = Erasure([withdraw_batch(root / "data", batch or "", reason)])
        # Before the rest, which may fail: pages show what was said. All of them, after a killed withdrawal too.
        for manifest in list_manifests(root / "data"):
            refresh_page(root, manifest.batch)
    return erasure


@flow(name="retry", validate_parameters=False)
@while_alive
def retry_batch(root: Path, batch: str, file: Path) -> IngestResult:
    """Rows that were refused come again, mended."""
    with publishing(root) as results:
        result = retry(root / "data", batch, file, **ingest_options(root))
        results.append(result)
    return result
