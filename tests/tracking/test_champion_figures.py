"""Figures of the versions that came into production."""

from pathlib import Path

from components.tracking.champion_figures import METRICS, production_versions
from components.tracking.promotion import promote
from components.tracking.registration import register_all
from components.tracking.versions import get_version


def test_figures_that_could_not_be_read_are_looked_for_again(tracker, root):
    """Also of a version that has no digest: one registered by hand."""
    register_all(tracker)
    promote(tracker, "1", "reviewer")
    version = get_version(tracker, tracker.name, "1")
    tracker.client.delete_model_version_tag(tracker.name, "1", "sha256")
    file, known = Path(version.source.removeprefix("file://")) / METRICS, {}
    content = file.read_bytes()

    def rate():
        [found] = production_versions(root, known)
        return found["win_rate_vs_sft"]

    file.unlink()
    assert rate() is None
    file.write_bytes(content)
    assert rate() == 0.71
    # Now it is known.
    file.unlink()
    assert rate() == 0.71
    assert list(known) == ["version 1"]
