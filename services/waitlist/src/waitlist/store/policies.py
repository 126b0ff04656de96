"""Policies in their table.

Invariant: a row is a whole policy; where there is none, nobody set one.
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
_PUT = f"""
INSERT INTO policies (org_id, place_id, {", ".join(_COLUMNS)}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (org_id, place_id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS)}
"""


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


async def put(conn: Connection, org_id: str, place_id: str, policy: Policy) -> None:
    """Set the policy of a place."""
    quiet = policy.quiet_hours
    values: dict[str, Any] = {
        **asdict(policy),
        "quiet_from": quiet and quiet.start,
        "quiet_to": quiet and quiet.end,
    }
    await conn.execute(_PUT, org_id, place_id, *(values[name] for name in _COLUMNS))
