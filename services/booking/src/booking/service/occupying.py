"""What a booking occupies, brought from what it was to what a change makes of it.

Invariant: time is only given up here. What is to be taken is answered as a claim, which the statement that writes the
booking makes, so that a booking never stands without its time nor time without its booking.
"""

from datetime import datetime
from typing import assert_never

from booking.domain.booking import Booking
from booking.domain.change import TableChoice
from booking.domain.occupancy import Claim, Keep, Reclaim, Release, Shorten, choose, demands, plan, tables_among
from booking.domain.place import Place
from booking.store import occupancy
from chassis.postgres import Connection


async def reoccupy(
    conn: Connection, before: Booking, after: Booking, place: Place, choice: TableChoice, *, now: datetime, attempt: int
) -> tuple[tuple[str, ...], Claim | None]:
    """Give up what a changed booking no longer occupies, and find what it is to occupy anew.

    Args:
        conn: the change's transaction.
        before: the booking as it is stored.
        after: the booking as it is to be, still with its present tables.
        place: where, with what is taken in the time that it is to occupy.
        choice: the tables it is to have.
        now: the current instant.
        attempt: as `choose` says.

    Returns:
        The tables it has then, and the claim to write it with; None when it takes nothing that it does not have.

    Raises:
        SlotUnavailableError: what it needs is taken.
    """
    kept = before.table_ids if choice.chosen is None else choice.chosen
    match plan(before, after, reassign=choice.reassign, now=now):
        case Keep():
            return kept, None
        case Release():
            await occupancy.release(conn, before.id)
            return kept, None
        case Shorten(end):
            await occupancy.shorten(conn, before.id, end)
            return kept, None
        case Reclaim(span):
            claim = choose(demands(after, place, chosen=choice.chosen), after, place, span=span, attempt=attempt)
            await occupancy.release(conn, before.id)
            return (tables_among(place, claim.resource_nos) if choice.chosen is None else kept), claim
        case unknown:
            assert_never(unknown)
