"""What people read about feedback: a page for each batch, and the card of the whole dataset."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import polars as pl

from components.config import Params
from components.feedback import store
from components.feedback.life.mending import refused_rows
from components.feedback.report.card import data_card
from components.feedback.report.dataset import dataset_figures
from components.feedback.report.licences import licences_by_source
from components.feedback.report.numbers import batch_numbers
from components.feedback.report.page import batch_page
from components.feedback.report.people import people_of
from components.feedback.schema import empty_frame
from components.files import read_json, replacing_file, write_text

PAGES = Path("reports/feedback")
CARD = PAGES / "README.md"


def write_page(root: Path, batch: str) -> Path:
    """Write the batch's page and, beside it, its numbers as JSON; returns the page.

    Both bear the time of what they tell of, as it was before it was read. What is withdrawn while they are written is
    off them at the end: another process may have refreshed the page before this one wrote what it had read.
    """
    page, told_at = root / PAGES / f"{batch}.html", None
    while told_at != (current := _told_at(root / "data", batch)):
        told_at = current
        _write(root / "data", batch, page, told_at)
    return page


def refresh_page(root: Path, batch: str) -> None:
    """Write the batch's page, unless it is there and tells of what is there now."""
    page = root / PAGES / f"{batch}.html"
    if {_written_at(page), _written_at(page.with_suffix(".json"))} != {_told_at(root / "data", batch)}:
        write_page(root, batch)


def write_card(root: Path, params: Params) -> Path:
    """Write the card of all accepted feedback."""
    folders = store.folders(root / "data" / store.FEEDBACK)
    batches = [(store.read_manifest(folder), store.scan_rows(folder)) for folder in folders]
    rows = pl.concat([empty_frame().lazy(), *(rows for _, rows in batches)])
    figures, licences = dataset_figures(rows, params.prepare), licences_by_source(batches)
    card = data_card(store.list_manifests(root / "data"), figures, params.registry.name, licences)
    write_text(root / CARD, card)
    return root / CARD


def _write(data: Path, batch: str, page: Path, at: int) -> None:
    folder = _folder(data, batch)
    quality = folder / store.QUALITY
    found: dict[str, Any] = read_json(quality) if quality.exists() else {}
    rows = store.scan_rows(folder)
    people = people_of(rows)
    numbers = batch_numbers(store.read_manifest(folder), found, rows, people)
    _write_at(at, page, batch_page(numbers, people["annotator"], rows, refused_rows(data, batch)))
    as_json = json.dumps(numbers, indent=2, ensure_ascii=False, allow_nan=False)
    _write_at(at, page.with_suffix(".json"), f"{as_json}\n")


def _write_at(at: int, path: Path, text: str) -> None:
    """Write a file atomically that bears a time (nanoseconds) from the moment it is there."""
    with replacing_file(path) as handle:
        handle.write(text.encode("utf-8"))
        handle.flush()
        os.utime(handle.fileno(), ns=(at, at))


def _told_at(data: Path, batch: str) -> int:
    """When what a page tells of was last written, in nanoseconds."""
    folder = _folder(data, batch)
    told = (folder / store.MANIFEST, folder / store.QUALITY, data / store.QUARANTINE / batch / store.REFUSED)
    return max(map(_written_at, told))


def _written_at(path: Path) -> int:
    """0 of what is not there."""
    return path.stat().st_mtime_ns if path.exists() else 0


def _folder(data: Path, batch: str) -> Path:
    """Where the batch lies: its rows, if it has any, or else its record."""
    rooms = (data / room / batch for room in (store.FEEDBACK, store.HELD, store.QUARANTINE))
    return next(folder for folder in rooms if (folder / store.MANIFEST).exists())
