"""Routes of offers: making one by hand, declining one, and turning an entry into a booking (seed 000).

Invariant: every answer is the whole entry, as it is then.
"""

from dataclasses import dataclass
from typing import Any

from chassis.web import Call, Route
from waitlist.api.entries import PATH, show
from waitlist.api.entry_models import ShownEntry
from waitlist.api.fields import MANAGE, Body, Identifier, PreferredTime, Success, actor_of, origin_of
from waitlist.domain.entry import Placed
from waitlist.domain.terms import Wanted
from waitlist.service.converting import Converting
from waitlist.service.ending import Ending
from waitlist.service.notifying import Notifying

_ONE = f"{PATH}/{{id}}"


class OfferBody(Body):
    """When, in `HH:MM` of the requested date in the location's time zone, or as instants; both or none.

    Without times the earliest is offered that is free and fits the entry.
    """

    start_time: PreferredTime | None = None
    end_time: PreferredTime | None = None

    @property
    def wanted(self) -> Wanted:
        """What is asked for, as the use case takes it."""
        return Wanted(self.start_time, self.end_time)


class ConvertBody(Body):
    """What to book, times as in an offer made by hand; without any, what the entry is offered.

    Another time or table than what is offered is the staff's to book.
    """

    start_time: PreferredTime | None = None
    end_time: PreferredTime | None = None
    table_id: Identifier | None = None

    @property
    def wanted(self) -> Wanted:
        """What is asked for, as the use case takes it."""
        return Wanted(self.start_time, self.end_time, self.table_id)


@dataclass(frozen=True)
class Handlers:
    """The operations on offers."""

    converting: Converting
    notifying: Notifying
    ending: Ending

    async def convert(self, call: Call) -> Placed:
        """Turn an entry into a booking."""
        body: ConvertBody = call.body
        return await self.converting.convert(
            actor_of(call.caller), call.path["id"], body.wanted, origin_of(call), call.once
        )

    async def notify(self, call: Call) -> Placed:
        """Offer an entry a place."""
        body: OfferBody = call.body
        return await self.notifying.notify(
            actor_of(call.caller), call.path["id"], body.wanted, origin_of(call), call.once
        )

    async def decline(self, call: Call) -> Placed:
        """Decline an offer."""
        return await self.ending.decline(actor_of(call.caller), call.path["id"], origin_of(call), call.once)


def routes(converting: Converting, notifying: Notifying, ending: Ending) -> list[Route]:
    """List the operations."""
    handlers = Handlers(converting, notifying, ending)
    shown: dict[str, Any] = {"scope": MANAGE, "answer": Success[ShownEntry], "render": show}
    return [
        Route(
            "POST",
            f"{_ONE}/convert",
            handlers.convert,
            summary="Turn a waitlist entry into a booking",
            body=ConvertBody,
            errors=(
                "already_booked",
                "invalid_status_transition",
                "offer_gone",
                "outside_availability",
                "slot_unavailable",
            ),
            **shown,
        ),
        Route(
            "POST",
            f"{_ONE}/notify",
            handlers.notify,
            summary="Offer a waitlist entry a place, whoever's turn it is",
            body=OfferBody,
            staff_only=True,
            errors=("invalid_status_transition", "slot_unavailable"),
            **shown,
        ),
        Route(
            "POST",
            f"{_ONE}/decline",
            handlers.decline,
            summary="Decline what a waitlist entry is offered",
            errors=("invalid_status_transition", "offer_gone"),
            **shown,
        ),
    ]
