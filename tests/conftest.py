import os
import sys
from pathlib import Path

from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling

# No test may reach for a hub; what a test needs it builds.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
# Models of a few thousand weights: a second thread costs more in waiting than it computes.
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

#: Folders whose tests share a workspace that takes long to make: one process runs all of them.
TOGETHER = ("board", "chat", "cleaning", "stages")


def pytest_configure():
    """However slow a machine is just then: hypothesis looks for what is wrong, not for what takes long."""
    settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("any machine")


class ByFileOrFolder(LoadFileScheduling):
    """What one process runs, where several share the suite: a file, or a folder of `TOGETHER`."""

    def _split_scope(self, nodeid):
        file = super()._split_scope(nodeid)
        folder = Path(file).parent
        return str(folder) if folder.name in TOGETHER else file


def pytest_xdist_make_scheduler(config, log):
    return ByFileOrFolder(config, log)
