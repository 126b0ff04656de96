"""Policies in their table.

Invariant: a row is a whole policy; where there is none, nobody set one. It counts its changes, and tells up to which of
them it is known to have been acted upon.
"""

from dataclasses import asdict
from typing import Any

from chassis.postgres import Connection
from waitlist.domain.policy import AfterExpiry, Policy, QuietHours, Way

_FETCH = "SELECT * FROM policies WHERE org_id = $1 AND place_id = $2"
_COLUMNS = (
    "way",
    "strict_order",
    "offer_minutes",
    "cutoff_minutes",
    "after_expiry",
    "max_entries",
    "quiet_from",
    "quiet_to",
)
_BEFORE, _AFTER = (", ".join(f"{row}.{name}" for name in _COLUMNS) for row in ("p", "excluded"))
_PUT = f"""
INSERT INTO policies AS p (org_id, place_id, changes, {", ".join(_COLUMNS)})
VALUES ($1, $2, $3::boolean::integer, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (org_id, place_id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS)},
    changes = p.changes + (({_BEFORE}) IS DISTINCT FROM ({_AFTER}))::integer
RETURNING CASE WHEN changes > reopened THEN changes END
"""
_REOPENED = "UPDATE policies SET reopened = greatest(reopened, $3) WHERE org_id = $1 AND place_id = $2"


async def fetch(conn: Connection, org_id: str, place_id: str) -> Policy | None:
    """Read what was set for a place, or None."""
    row = await conn.fetchrow(_FETCH, org_id, place_id)
    if row is None:
        return None
    quiet = None if row["quiet_from"] is None else QuietHours(row["quiet_from"], row["quiet_to"])
    return Policy(
        way=Way(row["way"]),
        strict_order=row["strict_order"],
        offer_minutes=row["offer_minutes"],
        cutoff_minutes=row["cutoff_minutes"],
        quiet_hours=quiet,
        after_expiry=AfterExpiry(row["after_expiry"]),
        max_entries=row["max_entries"],
    )


async def put(conn: Connection, org_id: str, place_id: str, policy: Policy, *, by_default: Policy) -> int | None:
    """Set the policy of a place.

    Args:
        conn: where to write.
        org_id: the organization.
        place_id: the place.
        policy: what is set.
        by_default: what holds where nothing was set.

    Returns:
        The number of its latest change, if what was let pass there has not been reopened for that yet.
    """
    quiet = policy.quiet_hours
    values: dict[str, Any] = {
        **asdict(policy),
        "quiet_from": quiet and quiet.start,
        "quiet_to": quiet and quiet.end,
    }
    owed: int | None = await conn.fetchval(
        _PUT, org_id, place_id, policy != by_default, *(values[name] for name in _COLUMNS)
    )
    return owed


async def reopened(conn: Connection, org_id: str, place_id: str, change: int) -> None:
    """Write that what was let pass has been reopened for a change of the policy, and for those before it."""
    await conn.execute(_REOPENED, org_id, place_id, change)
