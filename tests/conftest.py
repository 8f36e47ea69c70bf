import os
import sys
from pathlib import Path

# No test may reach for a hub; what a test needs it builds.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
sys.path.insert(0, str(Path(__file__).parent))
