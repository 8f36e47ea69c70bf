"""Whether the registry at hand is the one that this workspace registers in.

Any other, such as the embedded one of a shell in which MLFLOW_TRACKING_URI is not set, needs nothing of what lies here.
"""

from __future__ import annotations

from pathlib import Path

from components.cleaning.keeping import Registry
from components.config import load_params
from components.errors import RegistryError
from components.tracking.audit import read_log
from components.tracking.history import champions
from components.tracking.registration import NOTE
from components.tracking.tracker import tracking_uri, without_login
from components.workspace import STATE


def refuse_another(root: Path, registry: Registry | None) -> None:
    """Raises RegistryError where the registry at hand, or None, lacks what this workspace registered."""
    known = _champion(root, registry) or _versions(root, registry)
    if known:
        raise RegistryError(
            f"{known}, and the registry at hand has none such: {without_login(tracking_uri(root))}",
            "nothing is removed; set MLFLOW_TRACKING_URI as it is set where `rlhf retrain` and `rlhf promote` run. "
            "Where it was deleted there, promote another version, or `rlhf retrain`",
        )


def _champion(root: Path, registry: Registry | None) -> str:
    """The champion that the audit log tells of, if it is not registered."""
    lines = read_log(root)
    name = load_params(root / "params.yaml").registry.name if lines else ""
    acts = champions(lines, name)
    if not acts or (registry is not None and (name, acts[-1]["version"]) in registry.versions):
        return ""
    return f"the audit log tells of the champion {name} version {acts[-1]['version']}"


def _versions(root: Path, registry: Registry | None) -> str:
    """What tells that versions were registered, if none is."""
    if registry is not None and registry.versions:
        return ""
    if (root / NOTE).exists():
        return f"versions were registered in {(root / NOTE).read_text(encoding='utf-8').strip()}"
    copies = sorted((root / STATE / "versions").glob("*/*/"))
    return f"{copies[0].relative_to(root)} is the copy of a registered version" if copies else ""
