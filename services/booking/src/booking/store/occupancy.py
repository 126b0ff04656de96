"""Claiming time on resources.

Invariant: no two claims overlap on a resource: the table's exclusion constraint refuses, whoever races. A claim never
raises for that: inserting and catching the error was seen to deadlock under churn (architecture.md section 5).
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import assert_never

from booking.domain.occupancy import AllOf, AnyOf, Demand
from booking.domain.times import Span
from chassis.postgres import Connection

# A resource that looked free and was not claimed has just been taken by another: the caller looks again.
_CLAIM_FIRST = """
WITH free AS MATERIALIZED (
    SELECT wanted.resource_no
    FROM unnest($2::integer[]) WITH ORDINALITY AS wanted (resource_no, preference)
    WHERE NOT EXISTS (SELECT FROM occupancy o WHERE o.during && slot(wanted.resource_no, $3, $4))
    ORDER BY wanted.preference
    LIMIT 1
), claimed AS (
    INSERT INTO occupancy (resource_no, during, booking_id)
    SELECT free.resource_no, slot(free.resource_no, $3, $4), $1 FROM free
    ON CONFLICT DO NOTHING
    RETURNING resource_no
)
SELECT free.resource_no, claimed.resource_no IS NOT NULL AS won FROM free LEFT JOIN claimed USING (resource_no)
"""

# In the order of the numbers, so that two claims of the same tables wait for each other in one direction only.
_CLAIM_ALL = """
INSERT INTO occupancy (resource_no, during, booking_id)
SELECT wanted, slot(wanted, $3, $4), $1 FROM unnest($2::integer[]) AS wanted ORDER BY wanted
ON CONFLICT DO NOTHING
RETURNING resource_no
"""

_RELEASE = "DELETE FROM occupancy WHERE booking_id = $1 RETURNING resource_no"

_SHORTEN = """
UPDATE occupancy
SET during = slot(resource_no, lower(during) - (resource_no::bigint << 34), $2)
WHERE booking_id = $1
"""


async def claim(conn: Connection, booking_id: str, demands: Collection[Demand], span: Span) -> set[int] | None:
    """Claim what is demanded, and answer the resources that were got.

    Returns:
        None when some of it is taken; part of it may be claimed by then, so the caller must roll back.
    """
    claimed: set[int] = set()
    for demand in demands:
        match demand:
            case AnyOf(resource_nos):
                got = await _claim_first(conn, booking_id, resource_nos, span)
            case AllOf(resource_nos):
                got = await _claim_all(conn, booking_id, resource_nos, span)
            case _:
                assert_never(demand)
        if not got:
            return None
        claimed |= got
    return claimed


async def release(conn: Connection, booking_id: str) -> list[int]:
    """Let everything that a booking occupies fall free, and answer which resources that was."""
    return [row["resource_no"] for row in await conn.fetch(_RELEASE, booking_id)]


async def shorten(conn: Connection, booking_id: str, end: datetime) -> None:
    """Let what a booking occupies fall free from `end` on."""
    await conn.execute(_SHORTEN, booking_id, _seconds(end))


async def _claim_first(conn: Connection, booking_id: str, resource_nos: Sequence[int], span: Span) -> set[int]:
    """Claim the first of the resources that is free; nothing when none is."""
    seconds = _seconds(span.start), _seconds(span.end)
    while row := await conn.fetchrow(_CLAIM_FIRST, booking_id, resource_nos, *seconds):
        if row["won"]:
            return {row["resource_no"]}
    return set()


async def _claim_all(conn: Connection, booking_id: str, resource_nos: Sequence[int], span: Span) -> set[int]:
    """Claim all of the resources; nothing when one of them is taken."""
    rows = await conn.fetch(_CLAIM_ALL, booking_id, resource_nos, _seconds(span.start), _seconds(span.end))
    return {row["resource_no"] for row in rows} if len(rows) == len(resource_nos) else set()


def _seconds(instant: datetime) -> int:
    return int(instant.timestamp())
