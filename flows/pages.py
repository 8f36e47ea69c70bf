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
from components.feedback.report.numbers import batch_numbers
from components.feedback.report.page import batch_page
from components.feedback.schema import empty_frame
from components.files import read_json, write_json, write_text

PAGES = Path("reports/feedback")
CARD = PAGES / "README.md"


def write_page(root: Path, batch: str) -> Path:
    """Write the batch's page and, beside it, its numbers as JSON; returns the page."""
    folder = _folder(root / "data", batch)
    quality = folder / store.QUALITY
    found: dict[str, Any] = read_json(quality) if quality.exists() else {}
    manifest, rows = store.read_manifest(folder), store.scan_rows(folder)
    page = root / PAGES / f"{batch}.html"
    write_text(page, batch_page(manifest, found, rows, refused_rows(root / "data", batch)))
    write_json(page.with_suffix(".json"), batch_numbers(manifest, found, rows))
    return page


def write_card(root: Path, params: Params) -> Path:
    """Write the card of all accepted feedback."""
    rows = [store.scan_rows(folder) for folder in store.folders(root / "data" / store.FEEDBACK)]
    figures = dataset_figures(pl.concat([empty_frame().lazy(), *rows]), params.prepare)
    card = data_card(store.list_manifests(root / "data"), figures, params.registry.name, {})
    write_text(root / CARD, card)
    return root / CARD


def _folder(data: Path, batch: str) -> Path:
    """Where the batch lies: its rows, if it has any, or else its record."""
    rooms = (data / room / batch for room in (store.FEEDBACK, store.HELD, store.QUARANTINE))
    return next(folder for folder in rooms if (folder / store.MANIFEST).exists())
