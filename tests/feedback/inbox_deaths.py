"""Puts a file away and dies at one of the steps that the file system sees: `inbox_deaths.py FILE STEP`.

It says how many steps there were when it is not killed.
"""

import os
import signal
import sys
from pathlib import Path

from components.feedback.sources.inbox import Arrival, Seen, put_away

STEPS = {"open", "os.mkdir", "os.remove", "os.rename"}


def main(path, deadly):
    steps = 0

    def count(event, arguments):
        nonlocal steps
        if event in STEPS and str(path.parent) in str(arguments[0]):
            steps += 1
            if steps == deadly:
                os.kill(os.getpid(), signal.SIGKILL)

    arrival = Arrival(path, Seen.at(path))
    sys.addaudithook(count)
    put_away(arrival, "done", {"batch": "week-1-00000000"})
    print(steps)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
