"""What a change means for the occupancy, done."""

from datetime import datetime
from typing import assert_never

from booking.domain.booking import Booking
from booking.domain.change import TableChoice
from booking.domain.errors import SlotUnavailableError
from booking.domain.occupancy import Claim, Demand, Keep, Release, Shorten, demands, plan, tables_among
from booking.domain.place import Place
from booking.domain.times import Span
from booking.store import occupancy
from chassis.postgres import Connection


async def claim(conn: Connection, booking_id: str, wanted: list[Demand], span: Span) -> set[int]:
    """Claim what is demanded, and answer the resources that were got.

    Raises:
        SlotUnavailableError: some of it is taken; the transaction must not commit.
    """
    claimed = await occupancy.claim(conn, booking_id, wanted, span)
    if claimed is None:
        raise SlotUnavailableError("That time is taken.", param="start_time")
    return claimed


async def reoccupy(
    conn: Connection, before: Booking, after: Booking, place: Place, choice: TableChoice, *, now: datetime
) -> tuple[str, ...]:
    """Bring the occupancy from a booking to what it is to be, and answer the tables it has then.

    Raises:
        SlotUnavailableError: what it needs is taken; the transaction must not commit.
    """
    match plan(before, after, reassign=choice.reassign, now=now):
        case Keep():
            pass
        case Release():
            await occupancy.release(conn, before.id)
        case Shorten(end):
            await occupancy.shorten(conn, before.id, end)
        case Claim(span):
            held = await occupancy.release(conn, before.id)
            wanted = demands(after, place, chosen=choice.chosen, held=held)
            claimed = await claim(conn, before.id, wanted, span)
            return tables_among(place, claimed) if choice.chosen is None else choice.chosen
        case unknown:
            assert_never(unknown)
    return before.table_ids if choice.chosen is None else choice.chosen
