"""The history feed of a reservation (seed 003, events.md section 3).

Invariant: an event's `data` is shown as it was told, its keys in their order.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field

from booking.api.bookings import READ
from booking.api.fields import Identifier, actor_of
from booking.domain.errors import Flaw, ValidationFailedError
from booking.domain.listing import FeedPage
from booking.service.bookings import Bookings, Feed
from chassis.web import Call, Input, Output, Route


class FeedQuery(Input):
    """Which part of the feed is wanted; at most one of the cursors."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    starting_after: Identifier | None = None
    ending_before: Identifier | None = None

    def page(self) -> FeedPage:
        """Tell the use case which part.

        Raises:
            ValidationFailedError: both cursors are given.
        """
        if self.starting_after and self.ending_before:
            raise ValidationFailedError(Flaw("ending_before", "must not come with starting_after", "exclusive"))
        return FeedPage(self.limit, self.starting_after, self.ending_before)


class ReservationEvent(Output):
    """One event; `created_at` carries the UTC offset of the reservation's place at that instant."""

    object: Literal["reservation_event"] = "reservation_event"
    id: str
    type: str
    created_at: str
    data: dict[str, Any]


class EventList(Output):
    """A page of the feed, the oldest event first."""

    object: Literal["list"] = "list"
    data: list[ReservationEvent]
    has_more: bool

    @classmethod
    def of(cls, feed: Feed) -> Self:
        """Render a page of a history."""
        zone = ZoneInfo(feed.zone)
        events = [
            ReservationEvent(
                id=entry.event_id, type=entry.type, created_at=_local(entry.created_at, zone), data=dict(entry.data)
            )
            for entry in feed.entries
        ]
        return cls(data=events, has_more=feed.has_more)


@dataclass(frozen=True)
class Handlers:
    """The feed's one operation."""

    bookings: Bookings

    async def feed(self, call: Call) -> Feed:
        """Answer a page of a reservation's events."""
        return await self.bookings.feed(actor_of(call.caller), call.path["id"], call.query.page())


def routes(bookings: Bookings) -> list[Route]:
    """List the operation."""
    return [
        Route(
            "GET",
            "/v1/reservations/{id}/events",
            Handlers(bookings).feed,
            scope=READ,
            summary="Follow what happened to a reservation",
            answer=EventList,
            render=EventList.of,
            query=FeedQuery,
            errors=("invalid_cursor",),
        )
    ]


def _local(instant: datetime, zone: ZoneInfo) -> str:
    return instant.astimezone(zone).isoformat(timespec="seconds")
