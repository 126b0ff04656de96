"""Bookings that were made elsewhere: which booking here is which there, and which of them wait for their time.

Invariant: who reads a chain to change it holds the lock of its row until the end of the transaction, whether it was
known before or not.
"""

from collections.abc import Collection
from datetime import datetime

from booking.domain.booking import Booking
from booking.domain.external import Chain
from booking.domain.occupancy import Freed
from booking.domain.times import LONGEST, LONGEST_BUFFER
from booking.store.bookings import SELECTED, booking_of
from chassis.postgres import Connection

# The update changes nothing: it locks the row that is there.
_LOCK = """
INSERT INTO external_bookings (org_id, provider, chain_id) VALUES ($1, $2, $3)
ON CONFLICT (org_id, provider, chain_id) DO UPDATE SET chain_id = excluded.chain_id
RETURNING booking_id, sequence, metadata_keys, answers, last_answer_id, last_answer_at
"""

_KEEP = """
UPDATE external_bookings
SET booking_id = $4, sequence = $5, metadata_keys = $6, answers = $7, last_answer_id = $8, last_answer_at = $9
WHERE org_id = $1 AND provider = $2 AND chain_id = $3
"""

_LET_EDIT = "UPDATE bookings SET times_editable = $3 WHERE id = $1 AND org_id = $2"

# What is over by now has no use for its time any more. Those that somebody changes just now are looked at again later.
_CLAIMABLE = f"""
SELECT {SELECTED} FROM bookings b
WHERE b.conflict AND b.status <> 'COMPLETED' AND b.end_time > $1 {{among}}
AND EXISTS (
    SELECT FROM schedules s JOIN resources r ON r.owner_id = s.id AND r.lane <= s.capacity
    WHERE s.id = b.schedule_id AND NOT EXISTS (
        SELECT FROM occupancy o
        WHERE o.during && slot(
            r.resource_no,
            extract(epoch FROM b.start_time)::bigint - 60 * b.buffer_before_minutes,
            extract(epoch FROM b.end_time)::bigint + 60 * b.buffer_after_minutes
        )
        AND (o.expires_at IS NULL OR o.expires_at > $1)
    )
)
ORDER BY b.start_time, b.id LIMIT $2 FOR UPDATE OF b SKIP LOCKED
"""
_CLAIMABLE_OF_ALL = _CLAIMABLE.format(among="")
# First the stretch in which all of them end, by the index; then each by what was freed.
_CLAIMABLE_OF_FREED = _CLAIMABLE.format(
    among="""
    AND b.schedule_id = ANY ($3::text[]) AND b.end_time BETWEEN $6 AND $7
    AND EXISTS (
        SELECT FROM unnest($3::text[], $4::timestamptz[], $5::timestamptz[]) AS freed (schedule_id, since, until)
        WHERE freed.schedule_id = b.schedule_id
        AND b.start_time - make_interval(mins => b.buffer_before_minutes) < freed.until
        AND b.end_time + make_interval(mins => b.buffer_after_minutes) > freed.since
    )
    """
)


async def lock(conn: Connection, org_id: str, provider: str, chain_id: str) -> Chain:
    """Read what is known of a chain, so that others who have news of it queue up behind this one."""
    row = await conn.fetchrow(_LOCK, org_id, provider, chain_id)
    if row is None:
        raise AssertionError("an upsert answers its row")
    return Chain(**{**row, "metadata_keys": tuple(row["metadata_keys"])})


async def keep(conn: Connection, org_id: str, provider: str, chain_id: str, chain: Chain) -> None:
    """Write down what is known of a chain now. The caller holds the lock of `lock`."""
    await conn.execute(
        _KEEP,
        org_id,
        provider,
        chain_id,
        chain.booking_id,
        chain.sequence,
        list(chain.metadata_keys),
        chain.answers,
        chain.last_answer_id,
        chain.last_answer_at,
    )


async def let_edit(conn: Connection, booking: Booking, *, times_editable: bool) -> None:
    """Write down whether a booking's times may be changed here. The caller holds the lock of its row."""
    await conn.execute(_LET_EDIT, booking.id, booking.org_id, times_editable)


async def claimable(conn: Connection, freed: Collection[Freed] | None, limit: int, *, now: datetime) -> list[Booking]:
    """Lock bookings whose time was taken and is free now, the earliest first.

    Args:
        conn: the transaction that claims it for them.
        freed: what has fallen free, something at least; None: all there is is looked at.
        limit: how many at most.
        now: the current instant; a hold that has expired by it takes nothing.
    """
    if freed is None:
        rows = await conn.fetch(_CLAIMABLE_OF_ALL, now, limit)
    else:
        since, until = [one.span.start for one in freed], [one.span.end for one in freed]
        ends = min(since) - LONGEST_BUFFER, max(until) + LONGEST_BUFFER + LONGEST
        ids = [one.schedule_id for one in freed]
        rows = await conn.fetch(_CLAIMABLE_OF_FREED, now, limit, ids, since, until, *ends)
    return [booking_of(row) for row in rows]
