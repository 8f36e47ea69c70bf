"""Runs a module as on a machine that has torch and transformers, with what these bring, and nothing else.

    python tests/bare_python.py MODULE [ARGUMENT...]

Whatever else the project depends on cannot be imported.
"""

import re
import runpy
import sys
import tomllib
from importlib.metadata import requires
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: Names to import where they are not those of the package.
MODULES = {"pyyaml": "yaml", "scikit-learn": "sklearn"}


def main() -> None:
    for package in others():
        # Python takes None for a module that is not there, and so does what transformers asks.
        sys.modules[MODULES.get(package, package)] = None
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def others() -> set[str]:
    """The project's dependencies but for torch and transformers, and what transformers itself requires."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    named = {name(line) for line in project["dependencies"] + extras}
    brought = {name(line) for line in requires("transformers") if "extra ==" not in line}
    return named - brought - {"torch", "transformers"}


def name(requirement: str) -> str:
    """The package that a line of requirements names."""
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower()


if __name__ == "__main__":
    main()
