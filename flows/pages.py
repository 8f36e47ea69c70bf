"""What people read about feedback: a page for each batch, and the card of the whole dataset."""

from __future__ import annotations

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
from components.files import read_json, write_json, write_text

PAGES = Path("reports/feedback")
CARD = PAGES / "README.md"


def write_page(root: Path, batch: str) -> Path:
    """Write the batch's page and, beside it, its numbers as JSON; returns the page."""
    folder = _folder(root / "data", batch)
    quality = folder / store.QUALITY
    found: dict[str, Any] = read_json(quality) if quality.exists() else {}
    rows = store.scan_rows(folder)
    people = people_of(rows)
    numbers = batch_numbers(store.read_manifest(folder), found, rows, people)
    page = root / PAGES / f"{batch}.html"
    write_text(page, batch_page(numbers, people["annotator"], rows, refused_rows(root / "data", batch)))
    write_json(page.with_suffix(".json"), numbers)
    return page


def refresh_page(root: Path, batch: str) -> None:
    """Write the batch's page, unless it is there and newer than what it tells of."""
    data, page = root / "data", root / PAGES / f"{batch}.html"
    folder = _folder(data, batch)
    told = (folder / store.MANIFEST, folder / store.QUALITY, data / store.QUARANTINE / batch / store.REFUSED)
    if min(map(_written_at, (page, page.with_suffix(".json")))) <= max(map(_written_at, told)):
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


def _written_at(path: Path) -> int:
    """0 of what is not there."""
    return path.stat().st_mtime_ns if path.exists() else 0


def _folder(data: Path, batch: str) -> Path:
    """Where the batch lies: its rows, if it has any, or else its record."""
    rooms = (data / room / batch for room in (store.FEEDBACK, store.HELD, store.QUARANTINE))
    return next(folder for folder in rooms if (folder / store.MANIFEST).exists())
