"""The installed libraries against what this project declares and what it was tested with."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from components.config.servers import ServersParams
from flows.preflight.findings import Finding, ok, problem, warning

_PROJECT = "rlhf-pipeline"
_INSTALL = "pip install -e . -c constraints.txt"


def check_libraries(root: Path, _servers: ServersParams) -> Iterator[Finding]:
    requirements = _requirements()
    broken = [told for each in requirements if (told := _broken(each))]
    for told in broken:
        yield problem("libraries", told, f"`{_INSTALL}` in the project's folder")
    names = {canonicalize_name(each.name) for each in requirements}
    moved = [told for name, pin in _pins(root).items() if name in names and (told := _moved(name, pin))]
    if moved and not broken:
        yield warning(
            "libraries", f"other versions than those tested together: {', '.join(moved)}", f"`{_INSTALL}`"
        )
    if not moved and not broken:
        yield ok("libraries", f"{len(names)} libraries, all within pyproject.toml and as in constraints.txt")


def _requirements() -> list[Requirement]:
    """Of the project as it is installed: the extras, such as `dev`, are not asked for."""
    try:
        declared = metadata.requires(_PROJECT) or []
    except metadata.PackageNotFoundError:
        declared = []
    found = (Requirement(line) for line in declared)
    return [each for each in found if each.marker is None or each.marker.evaluate({"extra": ""})]


def _broken(requirement: Requirement) -> str:
    """What is wrong with it; "" where it is met. Some versions are excluded because they are known to fail."""
    installed = _installed(requirement.name)
    if installed is None:
        return f"{requirement.name} is not installed"
    if requirement.specifier.contains(installed, prereleases=True):
        return ""
    return f"{requirement.name} {installed} is installed, but the project needs {requirement.specifier}"


def _pins(root: Path) -> dict[str, str]:
    path = root / "constraints.txt"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    pins = (line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    return {canonicalize_name(name.strip()): version.strip() for name, version in pins}


def _moved(name: str, pin: str) -> str:
    installed = _installed(name)
    # A build for a GPU bears its name: 2.13.0+cu130.
    same = installed is None or installed.partition("+")[0] == pin.partition("+")[0]
    return "" if same else f"{name} {installed} (tested: {pin})"


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
