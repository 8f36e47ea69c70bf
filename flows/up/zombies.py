"""Closes flow runs whose process was killed: the server marks a run as CRASHED that gives no sign of life.

`python -m flows.up.zombies` installs the rules, as automations, on the server of PREFECT_API_URL. The signs of life are
the heartbeats that Prefect's engine sends. Whoever runs flows of their own on this server needs the same
PREFECT_FLOWS_HEARTBEAT_FREQUENCY (30) for them: by default Prefect sends one in 180 s.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta

from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification

from flows.environment import HEARTBEAT_S

SILENT = "its process gave no sign of life"
#: Between the server's order and the flow's beginning lie the imports: seconds here, minutes on a busy machine.
BEGIN_WITHIN = timedelta(minutes=10)


@dataclass(frozen=True)
class Rule:
    """After one of these events of a flow run, anything at all must be heard of it within a time."""

    name: str
    after: frozenset[str]
    within: timedelta

    def automation(self) -> AutomationCore:
        """As the server keeps it. Whatever else a run tells, that it ended or was suspended, stops the clock."""
        trigger = EventTrigger(
            after={f"prefect.flow-run.{event}" for event in self.after},
            expect={"prefect.flow-run.*"},
            match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}),
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=self.within,
        )
        said = f"{SILENT} for {self.within.total_seconds():g} s"
        return AutomationCore(
            name=self.name,
            description="Closes a flow run whose process was killed.",
            trigger=trigger,
            actions=[ChangeFlowRunState(state=StateType.CRASHED, message=said)],
        )


def rules(silence: timedelta, begin_within: timedelta = BEGIN_WITHIN) -> tuple[Rule, Rule]:
    """`silence`: how long a run that began may say nothing; `begin_within`: how long one may take to begin."""
    alive = frozenset({"Running", "Retrying", "heartbeat"})
    return (
        Rule("rlhf: runs without a sign of life", alive, silence),
        Rule("rlhf: runs that never began", frozenset({"Pending"}), begin_within),
    )


def longest_silence(heartbeat_s: float) -> timedelta:
    """Two heartbeats may get lost on the way, and a little more."""
    return timedelta(seconds=2 * heartbeat_s + 10)


def install(wanted: tuple[Rule, ...]) -> int:
    """Have the server keep these rules, each once and as it is here. Returns how many that changed."""
    with get_client(sync_client=True) as client:
        return sum(_install(client, rule.automation()) for rule in wanted)


def _install(client: SyncPrefectClient, wanted: AutomationCore) -> bool:
    known = client.read_automations_by_name(wanted.name)
    if len(known) == 1 and _told(known[0]) == _told(wanted):
        return False
    for old in known:
        client.delete_automation(old.id)
    client.create_automation(wanted)
    return True


def _told(rule: AutomationCore) -> dict[str, object]:
    """What a rule says, without what the server adds."""
    fields = rule.model_dump(mode="json", include={"description", "enabled", "trigger", "actions"})
    return fields | {"trigger": {name: _in_order(value) for name, value in fields["trigger"].items()}}


def _in_order(value: object) -> object:
    return sorted(value) if isinstance(value, list) else value


def main() -> None:
    heartbeat_s = float(os.environ.get("PREFECT_FLOWS_HEARTBEAT_FREQUENCY", HEARTBEAT_S))
    install(rules(longest_silence(heartbeat_s)))


if __name__ == "__main__":
    main()
