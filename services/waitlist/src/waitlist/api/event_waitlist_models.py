"""What the waitlists of events look like in requests and answers (seed 002 and its family).

Invariant: keys are the family's, and an entry is the same whichever surface shows it.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, StringConstraints

from chassis.web import Input, Output
from slotwire_contracts import PreciseInstant, WaitlistInitiator
from waitlist.api.fields import Identifier
from waitlist.domain.joining import NewEntry
from waitlist.domain.status import Status
from waitlist.service.entries import Waiting

Words = Annotated[str, StringConstraints(max_length=200)]
State = Literal["pending", "offered", "converted", "expired", "cancelled"]

_STATES: Mapping[Status, State] = {
    Status.WAITING: "pending",
    Status.NOTIFIED: "offered",
    Status.CONVERTED: "converted",
    Status.EXPIRED: "expired",
    Status.REMOVED: "cancelled",
}


class JoinBody(Input):
    """A client to put on the waitlist of an event that is full; a client's key names its own client."""

    model_config = ConfigDict(strict=True)

    business_id: Identifier
    event_instance_id: Identifier
    client_id: Identifier | None = None
    matter_uid: Identifier | None = None
    source_name: Words | None = None
    channel: Words | None = None
    time_zone: Words | None = None

    def new_entry(self) -> NewEntry:
        """Tell the use case what is asked for."""
        return NewEntry(**self.model_dump(exclude={"business_id"}))


class CancelBody(Input):
    """A client to take off the waitlist of an event; a message is read by nobody and not kept."""

    model_config = ConfigDict(strict=True)

    business_uid: Identifier
    event_instance_uid: Identifier
    client_uid: Identifier | None = None
    matter_uid: Identifier | None = None
    message: Annotated[str, StringConstraints(max_length=5000)] | None = None

    def entry(self) -> NewEntry:
        """Tell the use case which entry is meant."""
        return NewEntry(
            event_instance_id=self.event_instance_uid, client_id=self.client_uid, matter_uid=self.matter_uid
        )


class Matter(Output):
    """What the client joined about."""

    uid: str
    display_name: str | None


class ShownWaitlist(Output):
    """An entry; `spot` is its place in the queue: 1 and those ahead of it."""

    uid: str
    type: Literal["waitlist"] = "waitlist"
    status: State
    spot: int | None
    entity_type: Literal["EventInstance"] = "EventInstance"
    entity_id: str
    event_instance_uid: str
    client_id: str | None
    matter: Matter | None
    initiator: WaitlistInitiator
    title: str | None
    source_name: str | None
    channel: str | None
    time_zone: str | None
    created_at: PreciseInstant
    updated_at: PreciseInstant

    @classmethod
    def of(cls, waiting: Waiting) -> Self:
        """Show an entry."""
        entry, told = waiting.placed.entry, waiting.told
        instance_id = str(entry.event_instance_id)
        client = None if told.client is None else told.client.name
        return cls(
            uid=entry.id,
            status=_STATES[entry.status],
            spot=waiting.placed.position,
            entity_id=instance_id,
            event_instance_uid=instance_id,
            client_id=entry.client_id,
            matter=None if entry.matter_uid is None else Matter(uid=entry.matter_uid, display_name=client),
            initiator=WaitlistInitiator(entry.initiator),
            title=None if told.instance is None else told.instance.title,
            source_name=entry.source_name,
            channel=entry.channel,
            time_zone=entry.time_zone,
            created_at=entry.joined_at,
            updated_at=entry.updated_at,
        )


class Shown(Output):
    """What an answer is about."""

    waitlist: ShownWaitlist


class Done(Output):
    """The answer of what was done."""

    status: Literal["OK"] = "OK"
    data: Shown

    @classmethod
    def of(cls, waiting: Waiting) -> Self:
        """Show an entry."""
        return cls(data=Shown(waitlist=ShownWaitlist.of(waiting)))


class Refused(Output):
    """The answer of what was refused."""

    status: Literal["Error"] = "Error"
    error: str
