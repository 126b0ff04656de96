"""What waitlist entries look like in requests and answers (seed 000, and api.md section 3).

Invariant: what a change leaves out stays as it is.
"""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from chassis.web import Email, Input, Output
from slotwire_contracts import WaitlistEntry, WaitlistStatus
from waitlist.api.fields import UNSET, Body, Day, Identifier, Name, Notes, PartySize, Phone, PreferredTime, Priority
from waitlist.domain import entry as domain
from waitlist.domain.changing import Change
from waitlist.domain.entry import Placed
from waitlist.domain.joining import NewEntry
from waitlist.domain.listing import EntryFilter, Found, Page
from waitlist.domain.status import Status
from waitlist.service.snapshots import snapshot


class Contact(Body):
    """How to reach a guest."""

    name: Name | None = None
    email: Email | None = None
    phone: Phone | None = None

    @property
    def contact(self) -> domain.Contact | None:
        """The contact, as the rules see it; one that says nothing is none."""
        given = domain.Contact(self.name, self.email, self.phone)
        return None if given == domain.Contact() else given


class EntryBody(Body):
    """A guest to put on the waitlist: of a location on a date, or of an event instance that is full.

    Who is no client of yours is named by `contact`, with an email or a phone. Times are `HH:MM` in the location's time
    zone, an end that is not after the start on the next day, or instants; without them any time will do.
    """

    location_id: Identifier | None = None
    user_id: Identifier | None = None
    requested_date: Day | None = None
    party_size: PartySize = 1
    preferred_start_time: PreferredTime | None = None
    preferred_end_time: PreferredTime | None = None
    event_instance_id: Identifier | None = None
    contact: Contact | None = None
    priority: Priority = 0
    notes: Notes | None = None

    def new_entry(self) -> NewEntry:
        """Tell the use case what is asked for."""
        return NewEntry(
            location_id=self.location_id,
            requested_date=self.requested_date,
            event_instance_id=self.event_instance_id,
            client_id=self.user_id,
            contact=None if self.contact is None else self.contact.contact,
            party_size=self.party_size,
            preferred_start=self.preferred_start_time,
            preferred_end=self.preferred_end_time,
            priority=self.priority,
            notes=self.notes,
        )


_DOMAIN_NAMES = {"preferred_start_time": "preferred_start", "preferred_end_time": "preferred_end"}


class ChangedEntry(Body):
    """What changes about an entry; it stays in its queue."""

    party_size: PartySize = UNSET
    preferred_start_time: PreferredTime | None = None
    preferred_end_time: PreferredTime | None = None
    contact: Contact | None = None
    priority: Priority = UNSET
    notes: Notes | None = None

    def change(self, version: int | None) -> Change:
        """Tell the use case what is to change."""
        given = {_DOMAIN_NAMES.get(name, name): getattr(self, name) for name in self.model_fields_set}
        if self.contact is not None:
            given["contact"] = self.contact.contact
        return Change(given, version)


class EntryQuery(Input):
    """The filters of a list of entries, and which page of it is wanted."""

    model_config = ConfigDict(alias_generator=to_camel)

    location_id: Identifier | None = None
    event_instance_id: Identifier | None = None
    status: WaitlistStatus | None = None
    requested_date: Day | None = None
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    limit: Annotated[int, Field(ge=1, le=200)] = 50

    @property
    def filter(self) -> EntryFilter:
        """The filters, as the use case takes them."""
        return EntryFilter(
            location_id=self.location_id,
            event_instance_id=self.event_instance_id,
            status=None if self.status is None else Status(self.status.value),
            requested_date=self.requested_date,
        )

    @property
    def part(self) -> Page:
        """The page, as the use case takes it."""
        return Page(self.page, self.limit)


class ShownEntry(WaitlistEntry):
    """A waitlist entry, and its place in the queue: 1 and those ahead of it; null if it has none.

    `estimatedWaitMinutes` is the median of how long those waited for the same location or event instance who joined at
    a place like this one; null where too few did, and of an entry that is not waiting.
    """

    position: int | None
    estimated_wait_minutes: int | None

    @classmethod
    def of(cls, placed: Placed) -> Self:
        """Show an entry."""
        shown = snapshot(placed.entry)
        return cls(
            **{name: getattr(shown, name) for name in WaitlistEntry.model_fields},
            position=placed.position,
            estimated_wait_minutes=placed.wait_minutes,
        )


class Pagination(Output):
    """Where a page stands in its list."""

    page: int
    limit: int
    total: int
    pages: int


class EntryList(Output):
    """A page of a list of entries; those of one queue in its order."""

    status: Literal["success"] = "success"
    data: list[ShownEntry]
    pagination: Pagination

    @classmethod
    def of(cls, found: Found) -> Self:
        """Show a page."""
        part = found.page
        pagination = Pagination(page=part.number, limit=part.limit, total=found.total, pages=found.pages)
        return cls(data=[ShownEntry.of(placed) for placed in found.items], pagination=pagination)
