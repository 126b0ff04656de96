"""Many entries of a queue, made by the database itself.

Invariant: each is as the entry that they are copies of, which was posted, but for who waits and since when.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncpg

    Connection = asyncpg.Connection[Any]

_COPY = """
INSERT INTO entries SELECT (jsonb_populate_record(e, jsonb_build_object(
    'id', left(e.id, 20) || lpad(i::text, 10, '0'),
    'contact_email', 'guest-' || i || '@example.com',
    'joined_at', e.joined_at + i * interval '1 millisecond',
    'last_event_id', left(e.last_event_id, 20) || lpad(i::text, 10, '0')
))).*
FROM entries e CROSS JOIN generate_series(1, $2::bigint) AS i WHERE e.id = $1
"""


async def copy(conn: "Connection", entry_id: str, count: int) -> None:
    """Have so many more wait behind an entry."""
    await conn.execute(_COPY, entry_id, count)
