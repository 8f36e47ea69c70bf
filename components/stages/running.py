"""How every stage starts and fails: expected errors as two plain lines, not as a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable

from components.errors import RlhfError


def run_stage(main: Callable[[], None]) -> None:
    """Run a stage's main; exit 1 with the message and the remedy on an expected failure."""
    try:
        main()
    except RlhfError as error:
        print(f"error: {error.message}", file=sys.stderr)
        if error.remedy:
            print(f"remedy: {error.remedy}", file=sys.stderr)
        sys.exit(1)
