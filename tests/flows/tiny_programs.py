"""A supervisor of tiny programs, in a process of its own: `python tiny_programs.py ROOT`."""

import sys
from pathlib import Path

from flows.up import watched
from flows.up.programs import MARK, PART, Program
from flows.up.supervisor import Supervisor

#: It says that it is there, starts a child in another session, and sleeps.
SERVER = (
    "import os, subprocess, sys, time; from pathlib import Path; "
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(90)'], start_new_session=True); "
    "Path(sys.argv[1]).touch(); print('serves', flush=True); time.sleep(90)"
)
#: It ends at once, with a word, until a file is there.
BROKEN = "import sys, time; from pathlib import Path; Path(sys.argv[1]).exists() or sys.exit('no luck'); time.sleep(90)"


def program(root, name, code, flag, **options):
    return Program(
        name,
        (sys.executable, "-c", code, str(root / flag)),
        {MARK: str(root.resolve()), PART: name},
        works=lambda: (root / flag).exists(),
        **options,
    )


def tiny_programs(root):
    return [
        program(root, "server", SERVER, "server-is-there"),
        program(root, "step", "print('done')", "never", after=("server",), is_step=True),
        program(root, "broken", BROKEN, "mended", after=("step",)),
        # It works while the server does.
        program(root, "client", "import time; time.sleep(90)", "server-is-there", after=("server",)),
    ]


if __name__ == "__main__":
    workspace = Path(sys.argv[1])
    watched.FIRST_PAUSE_S, watched.LOOK_EVERY_S = 0.1, 0.2
    Supervisor(workspace, tiny_programs(workspace)).run()
