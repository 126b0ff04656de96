"""What happened to an event instance, in the words of the public catalog (events.md section 2).

Invariant: an event tells of the instance as it is stored with it, and carries the number, id and time stored there.
"""

from typing import Any, assert_never

from booking.domain.actors import Actor
from booking.domain.instances import EventInstance, InstanceCancelled, InstanceFact, InstanceUpdated
from chassis.origin import Origin
from slotwire_contracts import EventInstance as Snapshot
from slotwire_contracts import EventInstanceEvent, EventInstanceStatus, make_event


def event_of(fact: InstanceFact, instance: EventInstance, actor: Actor, origin: Origin) -> EventInstanceEvent:
    """Tell what happened to an instance, and the instance right after it.

    Args:
        fact: what happened.
        instance: `numbered` for it.
        actor: who did it.
        origin: the request behind it.
    """
    if instance.last_event_id is None:
        raise AssertionError("an instance that was numbered has an event")
    word, change = _catalog(fact)
    return make_event(
        f"event_instance.{word}",
        id=instance.last_event_id,
        time=instance.updated_at,
        resource=_snapshot(instance),
        change=change,
        orgid=instance.org_id,
        sequence=instance.sequence,
        actor=actor.name,
        correlationid=origin.request_id,
        traceparent=origin.traceparent,
    )


def _catalog(fact: InstanceFact) -> tuple[str, dict[str, Any]]:
    """Answer the last word of the fact's type and its `change`."""
    match fact:
        case InstanceUpdated(changes):
            told = {name: {"from": change.before, "to": change.after} for name, change in changes.items()}
            return "updated", {"changes": told}
        case InstanceCancelled(reason):
            return "cancelled", {"reason": reason}
        case _:
            assert_never(fact)


def _snapshot(instance: EventInstance) -> Snapshot:
    return Snapshot(
        id=instance.id,
        service_id=instance.service_id,
        title=instance.title,
        start_time=instance.start_time,
        end_time=instance.end_time,
        timezone=instance.timezone,
        location_id=instance.location_id,
        max_attendance=instance.max_attendance,
        attendance=instance.attendance,
        status=EventInstanceStatus(instance.status.value),
        created_at=instance.created_at,
        updated_at=instance.updated_at,
    )
