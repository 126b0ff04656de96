"""One of Cal.com's bookings as its API tells it, without what the API gets wrong in form.

Invariant: an instant is aware and in UTC; people are known by the email that Cal.com shows (`displayEmail`), and who or
what Cal.com does not know (a host with the id "unknown", an event type that is null) is not here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from slotwire_contracts import CalcomAttendee, CalcomEventType, CalcomHost

UID = re.compile(r"\A[\x21-\x7e]{1,255}\Z")
"""What can be a uid."""

LIVE = frozenset({"accepted", "pending", "awaiting_host"})
"""The statuses of what takes place or may yet."""

PEOPLE = 2_000
"""How many attendees a booking may have; of one with more, that many and one are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A booking, which is one of a chain where it was rescheduled.

    Attributes:
        status: in Cal.com's words, lower case.
        event_type: what is known of it, from `eventType` or else from `eventTypeId`.
        timezone: the host's.
        cancellation_reason: of a row that another was rescheduled to, why it was; None for "".
        rescheduled_by: who moved it away from here.
        rescheduled_from: the uid that was moved here.
        rescheduled_to: the uid that it was moved to; often lacking although there is one.
        is_seated: whether each attendee books a seat by themselves: none of its links is a move of the whole.
    """

    uid: str
    status: str
    start: datetime
    end: datetime
    title: str
    created_at: datetime
    updated_at: datetime | None = None
    description: str | None = None
    location: str | None = None
    event_type: CalcomEventType | None = None
    hosts: tuple[CalcomHost, ...] = ()
    timezone: str | None = None
    attendees: tuple[CalcomAttendee, ...] = ()
    cancellation_reason: str | None = None
    rescheduling_reason: str | None = None
    rescheduled_by: str | None = None
    rescheduled_from: str | None = None
    rescheduled_to: str | None = None
    recurring_booking_uid: str | None = None
    absent_host: bool = False
    is_seated: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_live(self) -> bool:
        """Whether it was not called off."""
        return self.status in LIVE
