"""Organizations that have no integration any more and are still to be released, in their table.

Invariants: one is in one hand at a time, and in none while a run of it is under way, which would tell the old settings,
or booking has not answered one; what booking has not taken over is still known as that when it was told once more.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from calcom_sync.store import chains
from calcom_sync.store.chains import Known
from chassis.postgres import Connection

_ASK = "INSERT INTO releases (org_id) VALUES ($1) ON CONFLICT (org_id) DO UPDATE SET after = excluded.after"
_END = "DELETE FROM releases WHERE org_id = $1"
_TAKE = """
SELECT org_id, after FROM releases AS r
WHERE NOT EXISTS (SELECT FROM runs WHERE runs.org_id = r.org_id AND runs.state = 'running')
    AND NOT EXISTS (
        SELECT FROM runs JOIN run_items AS i ON i.run_id = runs.id AND i.outcome IS NULL WHERE runs.org_id = r.org_id
    )
ORDER BY org_id LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_CHAINS = "SELECT chain_id FROM chains WHERE org_id = $1 AND chain_id > $2 ORDER BY chain_id LIMIT $3"
_KEEP_OWED = """
UPDATE run_items AS i SET event_id = given.event_id FROM unnest($1::text[], $2::text[]) AS given (before, event_id)
WHERE i.event_id = given.before AND i.outcome IN ('invalid', 'no_answer')
"""
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


async def following(conn: Connection, one: Release, most: int) -> list[Known]:
    """Read the next chains as they were told last."""
    ids = [row["chain_id"] for row in await conn.fetch(_CHAINS, one.org_id, one.after, most)]
    known = await chains.fetch(conn, one.org_id, ids)
    return [known[chain_id] for chain_id in ids]


async def keep_owed(conn: Connection, told: Mapping[str, str]) -> None:
    """Let what booking has not taken over be of new events, by those that told of it before."""
    await conn.execute(_KEEP_OWED, list(told), list(told.values()))


async def go_on(conn: Connection, one: Release, after: str) -> None:
    """Note how far it is."""
    await conn.execute(_GO_ON, one.org_id, after)
