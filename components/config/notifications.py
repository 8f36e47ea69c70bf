"""The section `notifications`: what people are told, and by which notifier."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from components.config.section import Section

#: The notifier that needs no server: a line in .rlhf/notifications.jsonl.
LOG = "log"


def _known(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        slug, slash, block = name.partition("/")
        if name != LOG and not (slash and slug and block):
            raise ValueError(
                f"{name!r} is neither {LOG!r} nor SLUG/NAME of a Prefect block, as slack-webhook/team"
            )
    return names


Notifiers = Annotated[tuple[str, ...], AfterValidator(_known)]


class NotificationParams(Section):
    """Who is told of what: names of notifiers, each "log" or a Prefect notification block as `slack-webhook/team`.

    Attributes:
        candidate_ready: a candidate waits for a reviewer; candidate_blocked: a gate blocks it, with the reasons.
        batch_held: a batch of feedback waits for a person; batch_rejected: one was not taken.
        run_failed: a run ended badly, or its process was killed; training_diverged: a stage's loss did.
        health: the weekly report.
    """

    candidate_ready: Notifiers
    candidate_blocked: Notifiers
    batch_held: Notifiers
    batch_rejected: Notifiers
    run_failed: Notifiers
    training_diverged: Notifiers
    health: Notifiers
