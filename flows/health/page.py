"""The health report as a page: plain Markdown that a chat shows as well as a browser."""

from __future__ import annotations

from typing import Any

_GIB = 1 << 30


def health_page(seen: dict[str, Any]) -> str:
    """Markdown of what flows.health.report.look_at_health saw."""
    sections = [
        ("Waits for people", [f"{each['what']} ({each['for']}): `{each['do']}`" for each in seen["waits"]]),
        ("Feedback", _feedback(seen["batches"])),
        ("Last retraining", [_run(seen["last_retraining"])] if seen["last_retraining"] else []),
        ("Failed runs", [_run(run) for run in seen["failed_runs"]]),
        ("Champion", _champion(seen["champion"])),
        ("Drift", [_error(seen["drift"]) or seen["drift"]["told"]]),
        ("Disk", [_disk(seen["disk"])]),
        ("DVC remote", [_error(seen["remote"]) or _remote(seen["remote"])]),
        ("Audit log", [_error(seen["audit"]) or _audit(seen["audit"])]),
        ("Not delivered", [f"{each['subject']}: {', '.join(each['owed'])}" for each in seen["undelivered"]]),
    ]
    head = f"# Health, {seen['at']}\n\nSince {seen['since']}.\n"
    return "\n".join([head, *(_section(title, lines) for title, lines in sections)])


def _section(title: str, lines: list[str]) -> str:
    return "\n".join([f"## {title}", "", *(f"- {line}" for line in lines or ["none"]), ""])


def _error(part: dict[str, Any]) -> str:
    return f"{part['error']}. {part['remedy']}" if "error" in part else ""


def _feedback(batches: dict[str, Any]) -> list[str]:
    counts = [f"{count} {status}" for status, count in sorted(batches["by_status"].items())]
    if not counts:
        return []
    rows = f"{batches['accepted_rows']} rows accepted, {batches['quarantined_rows']} quarantined"
    return [f"batches: {', '.join(counts)}", rows]


def _run(run: dict[str, Any]) -> str:
    return f"{run['flow']} {run['run']}: {run['state']}, {run['ended']}"


def _champion(champion: dict[str, Any]) -> list[str]:
    if "error" in champion:
        return [_error(champion)]
    if champion["version"] is None:
        return []
    figures = {
        "win rate against the SFT model": champion["win_rate_vs_sft"],
        "reward model's accuracy": champion["reward_accuracy"],
        "sequence KL": champion["sequence_kl"],
    }
    told = [f"{name} {value:.3g}" for name, value in figures.items() if value is not None]
    people = f"candidate {champion['candidate']}, approved by {champion['approver']}"
    return [f"version {champion['version']} ({people})", *told]


def _disk(disk: dict[str, int]) -> str:
    used = f".rlhf {disk['state'] / _GIB:.2f} GiB, DVC's cache {disk['dvc_cache'] / _GIB:.2f} GiB"
    return f"{used}, free {disk['free'] / _GIB:.1f} GiB"


def _remote(remote: dict[str, Any]) -> str:
    if remote["remote"] is None:
        return "there is none: the feedback is on this machine alone"
    missing = remote["missing"]
    return (
        f"{remote['remote']}: {'has all feedback' if not missing else f'{missing} files are not there yet'}"
    )


def _audit(audit: dict[str, Any]) -> str:
    return f"{audit['lines']} lines, {'whole' if audit['whole'] else 'BROKEN: look at `rlhf audit`'}"
