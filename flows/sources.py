"""What a person names as feedback, as files that the ordinary ingestion takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from components.feedback.declaration import is_declaration
from components.feedback.sources import hugging_face
from components.feedback.sources.address import Address, folder_address, parse_address
from components.feedback.sources.spool import Delivery, spool
from flows.terminal import note, printable


@contextmanager
def delivered(root: Path, source: Path | str) -> Iterator[list[Delivery]]:
    """The files of a source; those that were made for it are gone after the block.

    Args:
        source: a file, a folder with a data set, or an address such as "mlflow://reviews".

    Raises:
        FeedbackError: there is no such source, or it cannot be read.
        RegistryError: MLflow cannot be reached.
    """
    if isinstance(source, Path) and not source.is_dir():
        # `rlhf ingest folder/*` also names what is said of the files.
        yield [] if is_declaration(source) else [Delivery(source)]
        return
    address = folder_address(source) if isinstance(source, Path) else parse_address(source)
    with spool(root) as folder:
        yield read_source(root, address, folder)


def _run_name(parameters: dict[str, Address]) -> str:
    return f"read {printable(str(parameters['address']))}"


@task(cache_policy=NO_CACHE, task_run_name=_run_name)
def read_source(root: Path, address: Address, folder: Path) -> list[Delivery]:
    """Read a source into `folder`; what of it is no feedback is told, here and in the run's log."""
    if address.scheme == "hf":
        return hugging_face.fetch(address, folder)
    from components.tracking import feedback_traces

    found = feedback_traces.fetch(root, address, folder)
    for sentence in found.notes or (
        [] if found.deliveries else [f"{address}: nobody has given feedback yet"]
    ):
        get_run_logger().info("%s", sentence)
        note(sentence, "yellow")
    return found.deliveries
