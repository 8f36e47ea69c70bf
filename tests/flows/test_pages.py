"""The page of a batch is written when there is something new to tell, and never keeps what was withdrawn."""

import json

import pytest
from feedback_files import write_pairs

from components.feedback.ingestion import ingest_file
from components.feedback.life.withdrawal import withdraw_annotator, withdraw_batch
from flows import pages
from flows.pages import PAGES, refresh_page, write_page


@pytest.fixture
def batch(tmp_path):
    return ingest_file(write_pairs(tmp_path / "week-1.jsonl", broken=1), tmp_path / "data").batch


def _files(root, batch):
    return [root / PAGES / f"{batch}.{kind}" for kind in ("html", "json")]


def test_a_page_is_written_again_only_for_news(tmp_path, batch):
    def states():
        """That of the file itself: whoever writes anew changes it, whatever time the page bears."""
        refresh_page(tmp_path, batch)
        return [page.stat().st_ctime_ns for page in _files(tmp_path, batch)]

    before = states()
    assert states() == before
    for page in _files(tmp_path, batch):
        page.unlink()
        assert states() > before
    withdraw_batch(tmp_path / "data", batch, "licence ended")
    refresh_page(tmp_path, batch)
    assert [page.read_text().count("licence ended") > 0 for page in _files(tmp_path, batch)] == [True, True]


def test_a_page_does_not_keep_what_was_withdrawn_while_it_was_rendered(tmp_path, monkeypatch):
    # A row with HTML is one that the page shows.
    batch = ingest_file(write_pairs(tmp_path / "week-2.jsonl", topic="<b>van</b>"), tmp_path / "data").batch
    rendered = pages.batch_page

    def slowly(*args):
        monkeypatch.undo()
        html = rendered(*args)
        withdraw_batch(tmp_path / "data", batch, "licence ended")
        refresh_page(tmp_path, batch)
        assert "It lasts" in html
        return html

    monkeypatch.setattr(pages, "batch_page", slowly)
    page, numbers = write_page(tmp_path, batch), _files(tmp_path, batch)[1]
    assert "It lasts" not in page.read_text()
    assert json.loads(numbers.read_text())["counts"]["withdrawn"] == 6


@pytest.mark.parametrize("kind", [0, 1])
def test_a_page_of_somebody_who_died_over_it_is_written_again_however_new_it_is(tmp_path, batch, kind):
    """It was rendered before rows were withdrawn, and written after."""
    write_page(tmp_path, batch)
    page = _files(tmp_path, batch)[kind]
    before = page.read_bytes()
    withdraw_batch(tmp_path / "data", batch, "licence ended")
    refresh_page(tmp_path, batch)
    page.write_bytes(before)
    refresh_page(tmp_path, batch)
    assert "licence ended" in page.read_text()


def test_refused_rows_that_are_hushed_are_off_the_page(tmp_path):
    path = write_pairs(tmp_path / "week-1.jsonl")
    with path.open("a") as file:
        file.write('{"prompt": "Secret", "chosen": "", "rejected": "b", "annotator": "ann"}\n')
    batch = ingest_file(path, tmp_path / "data").batch
    assert "Secret" in write_page(tmp_path, batch).read_text()
    withdraw_annotator(tmp_path / "data", "ann", "erasure request")
    refresh_page(tmp_path, batch)
    assert "Secret" not in _files(tmp_path, batch)[0].read_text()
