from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from chat.chat_case import Server, serving, set_params, write_models, write_policy
from tracking.conftest import database, make_root

from components.tracking.promotion import promote
from components.tracking.registration import register_all
from components.tracking.tracker import connect

__all__ = ["database"]


@pytest.fixture(scope="session")
def project(tmp_path_factory, database) -> Path:
    """A champion, reviews/1, and a candidate after it, reviews-candidate/2. Made once: copy it to change it."""
    folder = tmp_path_factory.mktemp("chat")
    write_models(folder / "models")
    with pytest.MonkeyPatch.context() as patch:
        root = make_root(folder / "project", folder / "models", database, patch)
        set_params(root, waiting=2, choices=6, look_seconds=0.01)
        tracker = connect(root)
        register_all(tracker)
        promote(tracker, "1", "reviewer")
        shutil.rmtree(root / "models/policy")
        write_policy(root / "models/policy", seed=2)
        register_all(tracker)
    return root


@pytest.fixture(scope="session")
def server(project) -> Iterator[Server]:
    """One for all tests that leave it as it is."""
    with serving(project) as found:
        yield found
