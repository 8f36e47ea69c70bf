"""The page of a batch is written when there is something new to tell."""

from feedback_files import write_pairs

from components.feedback.ingestion import ingest_file
from components.feedback.life.withdrawal import withdraw_batch
from flows.pages import PAGES, refresh_page


def test_a_page_is_written_again_only_for_news(tmp_path):
    data = tmp_path / "data"
    batch = ingest_file(write_pairs(tmp_path / "week-1.jsonl", broken=1), data).batch
    pages = [tmp_path / PAGES / f"{batch}.{kind}" for kind in ("html", "json")]

    def states():
        refresh_page(tmp_path, batch)
        return [page.stat().st_mtime_ns for page in pages]

    before = states()
    assert states() == before
    for page in pages:
        page.unlink()
        assert states() > before
    withdraw_batch(data, batch, "licence ended")
    refresh_page(tmp_path, batch)
    assert [page.read_text().count("licence ended") > 0 for page in pages] == [True, True]
