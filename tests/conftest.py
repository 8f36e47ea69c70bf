import os
import sys
from pathlib import Path

# No test may reach for a hub; what a test needs it builds.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
# Models of a few thousand weights: a second thread costs more in waiting than it computes.
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
