"""Claiming time on resources, and letting it fall free.

Invariant: no two claims overlap on a resource: the table's exclusion constraint refuses, whoever races. A claim does
not run into it, but passes over what is taken and counts what it got: inserting and catching the error was seen to
deadlock under churn (architecture.md section 5).
"""

from collections.abc import Sequence
from datetime import datetime

from booking.domain.occupancy import Claim
from booking.domain.times import epoch_seconds
from chassis.postgres import Connection

_KINDS = ("integer[]", "bigint", "bigint")
COLUMNS = len(_KINDS)

_RELEASE = "DELETE FROM occupancy WHERE booking_id = $1"

_RELEASE_HOLDS = "DELETE FROM occupancy WHERE hold_id = ANY ($1::text[]) RETURNING resource_no"

_RELEASE_EXPIRED = """
DELETE FROM occupancy o USING unnest($1::integer[]) AS wanted
WHERE o.during && slot(wanted, $2, $3) AND o.expires_at <= $4
"""

_SHORTEN = """
UPDATE occupancy
SET during = slot(resource_no, lower(during) - (resource_no::bigint << 34), $2)
WHERE booking_id = $1
"""


def insertion(first: int, *, booking_id: str = "NULL", hold_id: str = "NULL", expires_at: str = "NULL") -> str:
    """Write an INSERT of a claim, to be a part of the statement that writes its booking or hold.

    It claims in the order of the resources' numbers, so that two claims of the same tables wait for each other in one
    direction only, and returns a row for each that it got.

    Args:
        first: the number of its first own parameter; there are `COLUMNS` of them, as `columns` answers them.
        booking_id: whose claim it is, in SQL.
        hold_id: as `booking_id`, of a hold.
        expires_at: until when the hold holds, in SQL.
    """
    wanted, start, end = (f"${first + place}::{kind}" for place, kind in enumerate(_KINDS))
    return f"""
    INSERT INTO occupancy (resource_no, during, booking_id, hold_id, expires_at)
    SELECT wanted, slot(wanted, {start}, {end}), {booking_id}, {hold_id}, {expires_at}::timestamptz
    FROM unnest({wanted}) AS wanted ORDER BY wanted
    ON CONFLICT DO NOTHING
    RETURNING resource_no
    """


def check(claimed: str, first: int) -> str:
    """Write the check that a claim got all it wanted; it fails the statement with an exclusion violation.

    Args:
        claimed: the name of `insertion` in the statement.
        first: as there.
    """
    return f"SELECT all_claimed(count(*), cardinality(${first})) FROM {claimed}"


def columns(claim: Claim | None) -> list[object]:
    """Lay a claim, or that there is none, out as the parameters of `insertion`."""
    if claim is None:
        return [[], 0, 0]
    return [claim.resource_nos, epoch_seconds(claim.span.start), epoch_seconds(claim.span.end)]


async def release(conn: Connection, booking_id: str) -> None:
    """Let everything that a booking occupies fall free."""
    await conn.execute(_RELEASE, booking_id)


async def release_holds(conn: Connection, hold_ids: Sequence[str]) -> list[int]:
    """Let everything that holds occupy fall free, and answer the numbers of the resources."""
    return [row["resource_no"] for row in await conn.fetch(_RELEASE_HOLDS, list(hold_ids))]


async def release_expired(conn: Connection, claim: Claim, now: datetime) -> None:
    """Take the holds that have expired out of a claim's way."""
    span = epoch_seconds(claim.span.start), epoch_seconds(claim.span.end)
    await conn.execute(_RELEASE_EXPIRED, claim.resource_nos, *span, now)


async def shorten(conn: Connection, booking_id: str, end: datetime) -> None:
    """Let what a booking occupies fall free from `end` on."""
    await conn.execute(_SHORTEN, booking_id, epoch_seconds(end))
