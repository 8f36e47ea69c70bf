"""A batch that a person refused: it stays readable, is known again, and may come in after all."""

from __future__ import annotations

import json

import pytest
from life_case import accepted, dying_at, quarantined

from components.errors import FeedbackError
from components.feedback import commits, store
from components.feedback.ingestion import ingest_file
from components.feedback.life.decisions import refuse, release
from components.feedback.life.withdrawal import withdraw_annotator
from components.files import digest_tree


def test_refused_rows_stay_readable(workspace, held):
    manifest = refuse(workspace.root, held.batch, "she clicked through")
    assert (manifest.status, manifest.message) == ("refused", "she clicked through")
    folder = workspace.root / "quarantine" / held.batch
    assert store.scan_rows(folder).collect().height == 40
    assert len(quarantined(workspace, held)) == 1
    assert not (workspace.root / "held" / held.batch).exists()


@pytest.mark.parametrize("name", ["held.jsonl", "another name.jsonl"])
def test_a_refused_file_is_known_by_its_bytes_whatever_its_name(workspace, held, name):
    manifest = refuse(workspace.root, held.batch, "she clicked through")
    (event,) = manifest.events
    _litter(workspace.root / "quarantine", 20)
    again = ingest_file(workspace.write(name, (workspace.folder / "held.jsonl").read_bytes()), workspace.root)
    assert (again.status, again.batch) == ("refused", held.batch)
    assert again.message == (
        f"{name} holds the bytes of held.jsonl, which {event['by']} refused on {event['at'][:10]} "
        "(she clicked through)"
    )
    assert again.remedy == f"`rlhf feedback release {held.batch}` takes it in after all"
    assert accepted(workspace).height == 0
    assert not (workspace.root / "held" / held.batch).exists()


def test_a_refused_batch_is_released_after_all(workspace, held):
    refuse(workspace.root, held.batch, "she clicked through")
    manifest = release(workspace.root, held.batch, "she did not")
    assert (manifest.status, manifest.accepted, manifest.quarantined, manifest.message) == (
        "accepted", 40, 1, "",
    )  # fmt: skip
    assert [event["what"] for event in manifest.events] == ["refused", "released"]
    assert accepted(workspace).height == 40
    assert len(quarantined(workspace, held)) == 1
    left = {path.name for path in (workspace.root / "quarantine" / held.batch).iterdir()}
    assert left == {"rows.jsonl", "manifest.json"}
    assert [each.status for each in store.list_manifests(workspace.root)] == ["accepted"]
    assert ingest_file(workspace.folder / "held.jsonl", workspace.root).status == "already_ingested"


def test_a_release_of_a_refused_batch_that_was_killed_leaves_it_waiting(workspace, held, monkeypatch):
    refuse(workspace.root, held.batch, "she clicked through")
    monkeypatch.setattr(commits, "write_json", dying_at(commits.write_json, "quality.json"))
    with pytest.raises(KeyboardInterrupt):
        release(workspace.root, held.batch, "")
    monkeypatch.undo()
    (waiting,) = store.list_manifests(workspace.root)
    assert (waiting.status, "DOMINANT" in json.dumps(waiting.findings), "'ann' gave" in waiting.message) == (
        "held", True, True,
    )  # fmt: skip
    assert ingest_file(workspace.folder / "held.jsonl", workspace.root).status == "held"
    assert refuse(workspace.root, held.batch, "again").status == "refused"
    assert release(workspace.root, held.batch, "").accepted == 40
    assert len(quarantined(workspace, held)) == 1


def test_a_refused_batch_of_which_nothing_is_left_stays_refused(workspace, held):
    refuse(workspace.root, held.batch, "she clicked through")
    withdraw_annotator(workspace.root, "ann", "erasure request")
    before = digest_tree(workspace.root)
    with pytest.raises(FeedbackError, match="was withdrawn"):
        release(workspace.root, held.batch, "after all")
    assert digest_tree(workspace.root) == before
    assert [each.status for each in store.list_manifests(workspace.root)] == ["refused"]


@pytest.mark.parametrize("damage", ["rows-00000.parquet", "quality.json", "rows.jsonl"])
def test_a_refused_batch_that_is_damaged_stays_refused(workspace, held, damage):
    refuse(workspace.root, held.batch, "she clicked through")
    path = workspace.root / "quarantine" / held.batch / damage
    path.unlink() if damage == "rows.jsonl" else path.write_text("{")
    before = digest_tree(workspace.root)
    with pytest.raises((FeedbackError, ValueError, OSError)):
        release(workspace.root, held.batch, "after all")
    assert digest_tree(workspace.root) == before


def _litter(room, count):
    """Other batches, whose manifests nobody could read."""
    for number in range(count):
        (room / f"other-{number:08x}").mkdir()
        (room / f"other-{number:08x}" / "manifest.json").write_text("not JSON")
