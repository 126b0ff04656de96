"""The route of free time.

Invariant: each slot is told in UTC and in the zone of its place, with its offset there.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from booking.api.bookings import READ
from booking.api.fields import Identifier, InstantOrDate, PartySize, actor_of
from booking.api.told import Told
from booking.domain.search import Search
from booking.service.availability import Availability, Offer
from chassis.web import Call, Input, Output, Route

UtcText = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Minutes = Annotated[int, Field(ge=1, le=31 * 24 * 60)]


class AvailabilityQuery(Input):
    """What is looked for. `schedule_id` is required unless a `location_id` is given."""

    location_id: Identifier | None = None
    schedule_id: Annotated[Identifier | None, Field(validate_default=True)] = None
    event_type_id: Identifier | None = None
    party_size: PartySize = 1
    since: Annotated[InstantOrDate | None, Field(alias="from")] = None
    until: Annotated[InstantOrDate | None, Field(alias="to")] = None
    duration_minutes: Minutes | None = None
    interval_minutes: Minutes | None = None
    exclude_booking_id: Identifier | None = None

    @field_validator("schedule_id")
    @classmethod
    def _has_a_place(cls, schedule_id: str | None, info: ValidationInfo) -> str | None:
        if schedule_id is None and info.data.get("location_id", "") is None:
            raise PydanticCustomError("missing", "must be given without location_id")
        return schedule_id

    @property
    def search(self) -> Search:
        """The search, as the use case takes it."""
        return Search(**{name: getattr(self, name) for name in type(self).model_fields})


@dataclass(slots=True)  # frozen, each of thousands would take twice as long to make
class Slot:
    """A time that can be booked; `remaining` is null where nothing bounds how many can have it."""

    start_time: UtcText
    end_time: UtcText
    local_start: str
    local_end: str
    remaining: int | None


class AvailabilityMeta(Output):
    """The zone of the local times, and how many slots there are."""

    timezone: str
    total: int


class Slots(Output):
    """What can be booked, in the order of time."""

    data: list[Slot]
    meta: AvailabilityMeta


@dataclass(frozen=True)
class Handlers:
    """The one operation."""

    availability: Availability

    async def find(self, call: Call) -> Offer:
        """Answer what can be booked."""
        query: AvailabilityQuery = call.query
        return await self.availability.find(actor_of(call.caller), query.search)


def routes(availability: Availability) -> list[Route]:
    """List the operations of free time."""
    return [
        Route(
            "GET",
            "/api/v1/availability",
            Handlers(availability).find,
            scope=READ,
            summary="Find free time",
            answer=Slots,
            render=_show,
            query=AvailabilityQuery,
        )
    ]


def _show(offer: Offer) -> Slots:
    """Show the slots as texts right away: of a month there are thousands."""
    told = Told(offer.zone)
    found = [
        Slot(told.utc(slot.start), told.utc(slot.end), told.local(slot.start), told.local(slot.end), slot.remaining)
        for slot in offer.slots
    ]
    return Slots.model_construct(data=found, meta=AvailabilityMeta(timezone=offer.zone, total=len(found)))
