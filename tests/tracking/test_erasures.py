"""What left a batch since a version learned from it, told from what had left before, however long it trained."""

import pytest
from tracking.fake_workspace import write_batch

from components.feedback.store import read_manifest
from components.files import read_json, write_json
from components.tracking.erasures import erasures_since, has_left
from components.tracking.lineage import learned_feedback

BATCH = "week-1-aaaaaaaa"
REGISTERED = "2026-02-01T12:00:00+00:00"
BEFORE, WHILE_IT_TRAINED = (
    {"what": "withdrawn", "by": "eve", "at": f"2026-02-01T{hour}:00:00+00:00", "why": f"at {hour}"}
    for hour in ("08", "10")
)
RELEASED = {"what": "released", "by": "eve", "at": "2026-02-01T07:00:00+00:00", "why": "fine"}


@pytest.fixture
def tell(tmp_path):
    """Writes what people did with the batch into its manifest, and returns that: no row left it, votes alone."""
    write_batch(tmp_path, BATCH)
    path = tmp_path / "data/feedback" / BATCH / "manifest.json"

    def write(*events):
        write_json(path, read_json(path) | {"events": list(events)})
        return read_manifest(path.parent)

    return write


def test_it_is_counted_and_no_matter_of_the_clock(tell, tmp_path):
    tell(RELEASED, BEFORE)
    learned = learned_feedback(tmp_path, "")
    assert (learned.withdrawn, learned.erasures) == ({}, {BATCH: 1})
    lineage = {"withdrawn_before": {}, "erasures_before": learned.erasures, "created_at": REGISTERED}
    assert not has_left(tell(RELEASED, BEFORE), lineage)
    now = tell(RELEASED, BEFORE, WHILE_IT_TRAINED)
    assert erasures_since(now, lineage) == [WHILE_IT_TRAINED]
    assert has_left(now, lineage)


def test_of_a_version_that_does_not_tell_the_time_of_its_registration_decides(tell):
    now = tell(BEFORE, WHILE_IT_TRAINED)
    assert erasures_since(now, {"created_at": "2026-02-01T09:00:00+00:00"}) == [WHILE_IT_TRAINED]
    assert not has_left(now, {"created_at": REGISTERED})
