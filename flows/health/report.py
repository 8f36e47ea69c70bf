"""How the pipeline is: what came in, what waits for whom, what failed, how the champion does, what the disk holds."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from prefect import State, get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterState,
    FlowRunFilterStateName,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort

from components.errors import RlhfError
from components.feedback.store import list_manifests
from components.files import read_json, write_json, write_text
from components.tracking.loading import load_version
from components.tracking.overview import has_registry, look
from components.tracking.promotion import look_at_log
from components.tracking.tracker import connect
from components.workspace import STATE
from flows import dvc
from flows.artifacts import show_page
from flows.dead_runs import close_dead_runs
from flows.health.drift import measure_drift
from flows.health.page import health_page
from flows.health.waiting import waits_or_why
from flows.news.notify import notify, tell_later
from flows.news.outbox import News, unsent
from flows.outcomes import completed
from flows.project import registry_tag

PAGE = Path("reports/health.md")
#: When the last report was sent.
MARK = STATE / "health.json"
WEEK = timedelta(days=7)
#: Prefect's server gives no more at a time.
_PAGE = 200
_BAD = [StateType.FAILED, StateType.CRASHED]


def report_health(root: Path) -> State[dict[str, Any]]:
    """Look, write the page, show it on the run's page, send it; what is new is told from the last report on."""
    close_dead_runs(root)
    tell_later(root)
    seen = look_at_health(root)
    page = write_health(root, seen)
    show_page(page, "health")
    subject = f"health: {len(seen['waits'])} things wait for people, {len(seen['failed_runs'])} runs failed"
    notify(root, News("health", seen["at"], subject, page))
    write_json(root / MARK, {"at": seen["at"]})
    return completed("Reported", subject, seen)


def write_health(root: Path, seen: dict[str, Any]) -> str:
    """Write reports/health.md; returns it."""
    page = health_page(seen)
    write_text(root / PAGE, page)
    return page


def look_at_health(root: Path) -> dict[str, Any]:
    """Everything as JSON-ready values; a part that cannot be looked at says why under `error`."""
    since = _since(root)
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "since": since.isoformat(timespec="seconds"),
        "batches": _batches(root, since),
        "waits": waits_or_why(root),
        "undelivered": [_undelivered(letter) for letter in unsent(root)],
        **_runs(root, since),
        "champion": _or_why(lambda: _champion(root)),
        "drift": _or_why(lambda: _drift(root)),
        "disk": _disk(root),
        "remote": _or_why(lambda: dvc.remote_state(root)),
        "audit": _or_why(lambda: _audit(root)),
    }


def _or_why(look: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return look()
    except RlhfError as error:
        return {"error": error.message, "remedy": error.remedy}


def _since(root: Path) -> datetime:
    try:
        return datetime.fromisoformat(read_json(root / MARK)["at"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return datetime.now(UTC) - WEEK


def _batches(root: Path, since: datetime) -> dict[str, Any]:
    new = [batch for batch in list_manifests(root / "data") if _time(batch.created_at) >= since]
    return {
        "by_status": dict(Counter(batch.status for batch in new)),
        "accepted_rows": sum(batch.accepted for batch in new if batch.status == "accepted"),
        "quarantined_rows": sum(batch.quarantined for batch in new),
    }


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _undelivered(letter: Any) -> dict[str, Any]:
    return {"subject": letter.news.subject, "owed": letter.owed, "attempts": letter.attempts}


def _runs(root: Path, since: datetime) -> dict[str, Any]:
    """The last retraining, and what failed since. Each asked for alone: most runs found nothing to do."""
    with get_client(sync_client=True) as client:
        flows = {flow.id: flow.name for flow in client.read_flows()}
        retrainings = client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=["retrain"])),
            flow_run_filter=_ended(root, since, [StateType.COMPLETED, *_BAD], but=["NotDue"]),
            sort=FlowRunSort.END_TIME_DESC,
            limit=1,
        )
        failed = list(_every(client, _ended(root, since, _BAD)))
    return {
        "last_retraining": _run(retrainings[0], "retrain") if retrainings else None,
        "failed_runs": [_run(run, flows.get(run.flow_id, "?")) for run in failed],
    }


def _every(client: SyncPrefectClient, wanted: FlowRunFilter) -> Iterator[FlowRun]:
    """All runs of a kind, the last to end first; the server gives so many at a time."""
    for offset in count(0, _PAGE):
        page = client.read_flow_runs(
            flow_run_filter=wanted, sort=FlowRunSort.END_TIME_DESC, limit=_PAGE, offset=offset
        )
        yield from page
        if len(page) < _PAGE:
            return


def _ended(root: Path, since: datetime, types: list[StateType], but: Sequence[str] = ()) -> FlowRunFilter:
    return FlowRunFilter(
        tags=FlowRunFilterTags(all_=[registry_tag(root)]),
        state=FlowRunFilterState(
            type=FlowRunFilterStateType(any_=types),
            name=FlowRunFilterStateName(not_any_=list(but)) if but else None,
        ),
        end_time=FlowRunFilterEndTime(after_=since),
    )


def _run(run: FlowRun, flow: str) -> dict[str, Any]:
    state = run.state
    return {
        "flow": flow,
        "run": run.name,
        "state": state.name if state else "",
        "ended": run.end_time.isoformat(timespec="seconds") if run.end_time else None,
    }


def _champion(root: Path) -> dict[str, Any]:
    champion = look(root).champion
    if champion is None:
        return {"version": None}
    path = load_version(connect(root), "champion").folder.parent / "evaluation/metrics.json"
    metrics: dict[str, Any] = read_json(path) if path.exists() else {}
    policy, reward = metrics.get("policy", {}), metrics.get("reward_model", {})
    return {
        "version": champion["version"],
        "candidate": champion.get("candidate"),
        "approver": champion.get("approver"),
        "win_rate_vs_sft": policy.get("win_rate_vs_sft"),
        "win_rate_vs_sft_ci": policy.get("win_rate_vs_sft_ci"),
        "sequence_kl": policy.get("sequence_kl"),
        "reward_accuracy": reward.get("accuracy"),
    }


def _drift(root: Path) -> dict[str, Any]:
    drift = measure_drift(root)
    return {"told": drift.told() if drift else "not measured: no champion, or no new pairs"}


def _audit(root: Path) -> dict[str, Any]:
    if not has_registry(root):
        return {"whole": True, "lines": 0}
    trail = look_at_log(connect(root))
    return {"whole": not trail.faults, "lines": len(trail.lines)}


def _disk(root: Path) -> dict[str, int]:
    """In bytes."""
    return {
        "state": _used(root / STATE),
        "dvc_cache": _used(root / ".dvc/cache"),
        "free": shutil.disk_usage(root).free,
    }


def _used(folder: Path) -> int:
    """On disk; a file with several names counts once."""
    seen: dict[tuple[int, int], int] = {}
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                found = os.lstat(f"{where}/{name}")
            except FileNotFoundError:
                continue
            seen[found.st_dev, found.st_ino] = found.st_blocks * 512
    return sum(seen.values())
