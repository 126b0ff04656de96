"""Sealing subscriptions anew after the key for secrets at rest has changed.

Invariant: what is written is what was read under the same lock, sealed with the present key; nothing else of a row
changes, so nobody need be told.
"""

from dataclasses import dataclass

from chassis.crypto import SealError
from chassis.postgres import Connection
from webhook_dispatcher.store.sealed import COLUMNS, Sealed

_LOOK = f"SELECT id, {', '.join(COLUMNS)} FROM subscriptions WHERE id > $1 ORDER BY id LIMIT $2"
_LOCK_FREE = f"""
SELECT id, {", ".join(COLUMNS)} FROM subscriptions WHERE id = ANY ($1::text[]) ORDER BY id FOR UPDATE SKIP LOCKED
"""
_WRITE = f"""
UPDATE subscriptions SET {", ".join(f"{column} = ${place}" for place, column in enumerate(COLUMNS, 2))} WHERE id = $1
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of some subscriptions.

    Attributes:
        last: the greatest id among them; None if there were none.
        renewed: how many an old key had sealed, and the present one seals now.
        left: how many an old key seals still, since a change of theirs is under way.
        unreadable: how many no key at hand opens.
    """

    last: str | None
    renewed: int
    left: int
    unreadable: int


async def seal_anew(conn: Connection, sealed: Sealed, behind: str, limit: int) -> Batch:
    """Seal with the present key what an old one sealed, and wait for nobody.

    Args:
        conn: a connection in a transaction.
        sealed: knows the keys.
        behind: the id behind which to begin.
        limit: how many subscriptions to look at.
    """
    rows = await conn.fetch(_LOOK, behind, limit)
    stale, unreadable = [], 0
    for row in rows:
        try:
            if sealed.renewed(row) is not None:
                stale.append(row["id"])
        except SealError:
            unreadable += 1
    free = await conn.fetch(_LOCK_FREE, stale) if stale else []
    anew = [(row["id"], columns) for row in free if (columns := sealed.renewed(row)) is not None]
    await conn.executemany(_WRITE, [(one, *(columns[column] for column in COLUMNS)) for one, columns in anew])
    return Batch(rows[-1]["id"] if rows else None, len(anew), len(stale) - len(free), unreadable)
