"""What a change means for the occupancy, done as far as it does not claim."""

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
    """Bring the occupancy from a booking to what it is to be.

    Returns:
        The tables it has then, and the claim that the statement must make which writes the booking.

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
        case Reclaim():
            claim = choose(demands(after, place, chosen=choice.chosen), after, place, attempt=attempt)
            await occupancy.release(conn, before.id)
            return (tables_among(place, claim.resource_nos) if choice.chosen is None else kept), claim
        case unknown:
            assert_never(unknown)
