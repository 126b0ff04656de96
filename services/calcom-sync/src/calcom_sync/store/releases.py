"""Organizations that have no integration any more and are still to be released, in their table.

Invariant: one is in one hand at a time, and in none while a run of it is under way, which would tell the old settings.
"""

from dataclasses import dataclass

from calcom_sync.store import chains
from chassis.postgres import Connection
from slotwire_contracts import CalcomBooking

_ASK = "INSERT INTO releases (org_id) VALUES ($1) ON CONFLICT (org_id) DO UPDATE SET after = excluded.after"
_END = "DELETE FROM releases WHERE org_id = $1"
_TAKE = """
SELECT org_id, after FROM releases AS r
WHERE NOT EXISTS (SELECT FROM runs WHERE runs.org_id = r.org_id AND runs.state = 'running')
ORDER BY org_id LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_CHAINS = "SELECT chain_id FROM chains WHERE org_id = $1 AND chain_id > $2 ORDER BY chain_id LIMIT $3"
_GO_ON = "UPDATE releases SET after = $2 WHERE org_id = $1"


@dataclass(frozen=True, slots=True)
class Release:
    """An organization that is to be released, and the last of its chains that was told of."""

    org_id: str
    after: str


async def ask(conn: Connection, org_id: str) -> None:
    """Have an organization released, from its first chain on."""
    await conn.execute(_ASK, org_id)


async def end(conn: Connection, org_id: str) -> None:
    """Have nothing more of an organization released."""
    await conn.execute(_END, org_id)


async def take(conn: Connection) -> Release | None:
    """Take one that is to be released, in the caller's transaction; None if there is none, or others have it."""
    row = await conn.fetchrow(_TAKE)
    return None if row is None else Release(row["org_id"], row["after"])


async def following(conn: Connection, one: Release, most: int) -> list[CalcomBooking]:
    """Read the next chains as they were told last."""
    ids = [row["chain_id"] for row in await conn.fetch(_CHAINS, one.org_id, one.after, most)]
    known = await chains.fetch(conn, one.org_id, ids)
    return [known[chain_id].snapshot for chain_id in ids]


async def go_on(conn: Connection, one: Release, after: str) -> None:
    """Note how far it is."""
    await conn.execute(_GO_ON, one.org_id, after)
