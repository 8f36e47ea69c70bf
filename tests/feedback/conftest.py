"""What most tests of ingestion begin with."""

import pytest
from batch_files import Workspace
from life_case import hold


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path)


@pytest.fixture
def held(workspace):
    return hold(workspace)
