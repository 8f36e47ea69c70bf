"""What `rlhf collect` says on a terminal, and to machines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import typer

from flows.terminal import note, say

if TYPE_CHECKING:
    from components.collecting.tasks import Added


def print_added(result: Added, as_json: bool) -> None:
    print_line(counts_of(result), words_of(result), as_json)
    note_refused(result)


def counts_of(result: Added) -> dict[str, Any]:
    counts = {"file": result.file, "added": result.added, "known": result.known, "marked": result.marked}
    return counts | _faults(result)


def words_of(result: Added) -> str:
    marked = f", {result.marked} of them gold questions now" if result.marked else ""
    there = f"{result.known + result.marked} there already{marked}"
    return f"{result.file}: {result.added} added, {there}, {len(result.refused)} refused"


def print_read(result: Added, as_json: bool) -> None:
    """Of a file whose rows are judged at once, and added nowhere."""
    words = f"{result.file}: {result.added} pairs, {len(result.refused)} refused"
    print_line({"file": result.file, "sound": result.added} | _faults(result), words, as_json)
    note_refused(result)


def _faults(result: Added) -> dict[str, Any]:
    return {"refused": [vars(refusal) for refusal in result.refused], "ignored": sorted(result.ignored)}


def note_refused(result: Added) -> None:
    """Why rows were refused, a line each, and which fields mean nothing."""
    for refusal in result.refused:
        field = f"{refusal.field}: " if refusal.field else ""
        note(f"  {refusal.file} line {refusal.line}: {field}{refusal.what}; {refusal.remedy}", "red")
    if result.ignored:
        note(f"  fields that mean nothing here: {', '.join(sorted(result.ignored))}", "yellow")


def print_line(content: dict[str, Any], words: str, as_json: bool) -> None:
    typer.echo(json.dumps(content)) if as_json else say(words)


def print_status(figures: dict[str, Any]) -> None:
    say(f"{figures['complete_pairs']} of {figures['pairs']} pairs have {figures['votes']} judgements", "bold")
    say(
        f"  {figures['judgements']} judgements, {figures['skipped']} skipped, {figures['to_export']} to export"
    )
    say(f"  {figures['gold_questions']} gold questions")
    for person in figures["annotators"]:
        say(f"  {_person(person)}")


def _person(person: dict[str, Any]) -> str:
    parts = [f"{person['judged']} judged"]
    if person["mean_seconds"] is not None:
        parts.append(f"{person['mean_seconds']:.0f} s each")
    if person["gold_asked"]:
        parts.append(f"{person['gold_right'] or 0} of {person['gold_asked']} gold questions right")
    if person["agreement"] is not None:
        parts.append(f"agrees with others {person['agreement']:.0%} on {person['shared']} pairs")
    return f"{person['name']}: " + ", ".join(parts) + ("" if person["invited"] else " (no link)")
