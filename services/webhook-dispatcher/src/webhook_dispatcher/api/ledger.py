"""The route of the ledger (api.md section 4).

Invariant: it only reads, and only what is the caller's organization's.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from chassis.web import Call, Data, Input, Output, Route
from webhook_dispatcher.api.models import READ, GivenInstant
from webhook_dispatcher.domain.ledger import Ledger, Span
from webhook_dispatcher.service.ledger import Ledgers


class LedgerQuery(Input):
    """Which events are counted, by their time."""

    since: Annotated[
        GivenInstant | None, Field(alias="from", description="The earliest; all that is kept if absent.")
    ] = None
    until: Annotated[GivenInstant | None, Field(alias="to", description="Before this; up to now if absent.")] = None

    @property
    def span(self) -> Span:
        """The range, as the use case takes it."""
        return Span(self.since, self.until)


class ShownLedger(Output):
    """What became of each event for each subscription that it was matched with.

    `accepted` is the sum of `delivered`, `exhausted`, `discarded` and `in_flight` while nothing is `unaccounted`.
    """

    accepted: int
    delivered: int
    exhausted: int
    discarded: Annotated[dict[str, int], Field(description="By reason.")]
    in_flight: int
    unaccounted: int


@dataclass(frozen=True)
class Handlers:
    """The operation."""

    ledgers: Ledgers

    async def get(self, call: Call) -> Ledger:
        """Read the ledger."""
        return await self.ledgers.get(call.caller.org_id, call.query.span)


def routes(ledgers: Ledgers) -> list[Route]:
    """List the operation on the ledger."""
    return [
        Route(
            "GET",
            "/api/v1/webhooks/ledger",
            Handlers(ledgers).get,
            scope=READ,
            summary="Account for every event and subscription",
            answer=Data[ShownLedger],
            render=_show,
            query=LedgerQuery,
        )
    ]


def _show(one: Ledger) -> Data[ShownLedger]:
    return Data(
        data=ShownLedger(
            accepted=one.accepted,
            delivered=one.delivered,
            exhausted=one.exhausted,
            discarded={reason.value: number for reason, number in one.discarded.items()},
            in_flight=one.in_flight,
            unaccounted=one.unaccounted,
        )
    )
