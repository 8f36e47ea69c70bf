"""Changes production so that a kill at any point leaves a @champion that loads, and a log with one line for the change.

The act is written down first, then the alias is moved or the version deleted, the line written, MLflow told of the
log's new head, and the note of the act removed. Whoever comes next, after a kill, finds the note and finishes what it
tells of.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.files import sweep_leftovers, write_json
from components.tracking import audit
from components.tracking.audit import DELETE
from components.tracking.audit_chain import BROKEN
from components.tracking.audit_trail import UNFINISHED, inspect, tell_head, unfinished_act
from components.tracking.tracker import Tracker
from components.tracking.versions import CHAMPION, all_versions, champion_of
from components.workspace import STATE


def move_champion(tracker: Tracker, act: Mapping[str, Any]) -> None:
    """Point @champion at the version that `act` names, and put the act on record.

    Args:
        act: what the audit log is to tell; its time is that of now.
    """
    act = {"time": audit.now(), **act}
    write_json(_note(tracker.root), act)
    tracker.client.set_registered_model_alias(tracker.name, CHAMPION, act["version"])
    _tell(tracker, act)


def delete_version(tracker: Tracker, act: Mapping[str, Any]) -> None:
    """Take the production version that `act` names out of the registry, and put the act on record. Its files stay.

    Args:
        act: as for `move_champion`.
    """
    act = {"time": audit.now(), **act}
    write_json(_note(tracker.root), act)
    try:
        tracker.client.delete_model_version(tracker.name, act["version"])
    except Exception:
        # Refused: nothing is under way.
        _note(tracker.root).unlink()
        raise
    _tell(tracker, act)


def finish_cut_off(tracker: Tracker) -> dict[str, Any] | None:
    """Put on record a change whose process died on the way; returns its act.

    None where there is nothing to finish: no note, or the process died before it changed the registry.
    """
    sweep_leftovers(_note(tracker.root))
    act = unfinished_act(tracker.root)
    if act is None:
        return None
    if not _is_done(tracker, act):
        _note(tracker.root).unlink()
        return None
    # An end that was cut off meanwhile would be covered by the new head: the line tells of it.
    faults = inspect(tracker).faults
    if faults and BROKEN not in act:
        act[BROKEN] = faults[0].message
        write_json(_note(tracker.root), act)
    _tell(tracker, act)
    return act


def _is_done(tracker: Tracker, act: Mapping[str, Any]) -> bool:
    if act["action"] == DELETE:
        return act["version"] not in {str(each.version) for each in all_versions(tracker, tracker.name)}
    return champion_of(tracker) == str(act["version"])


def _tell(tracker: Tracker, act: Mapping[str, Any]) -> None:
    lines = audit.read_log(tracker.root)
    is_told = bool(lines) and lines[-1].act == dict(act)
    tell_head(tracker, audit.head_of(lines) if is_told else audit.append(tracker.root, act))
    _note(tracker.root).unlink()


def _note(root: Path) -> Path:
    return root / STATE / UNFINISHED
