"""Waiting for what other processes do."""

import time


def wait_until(condition, seconds=60):
    """Until it is true; the test fails where it never is."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert condition()
