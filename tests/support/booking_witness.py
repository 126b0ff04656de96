"""What the database of the booking service holds of one organization, as the model tells it.

Invariant: a look fails where the database contradicts itself: times that overlap, a history with gaps, an outbox that
tells other than history, a last snapshot that is not the booking's.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby, pairwise
from typing import Any

import asyncpg

from booking.service.snapshots import snapshot
from chassis.postgres import Connection
from slotwire_contracts import AnyEvent, decode
from support.booking_desk import Desk
from support.booking_model import INSTANCE, Seen, Taking

BOOKINGS = "SELECT * FROM bookings WHERE org_id = $1"
HOLDS = "SELECT * FROM holds WHERE org_id = $1 AND expires_at > $2"
OCCUPANCY = """
SELECT coalesce(booking_id, hold_id) AS holder, resource_no,
    lower(during) - (resource_no::bigint << 34) AS starts, upper(during) - (resource_no::bigint << 34) AS ends
FROM occupancy JOIN resources USING (resource_no)
WHERE org_id = $1 AND (expires_at IS NULL OR expires_at > $2)
"""
SPOTS = "SELECT coalesce(booking_id, hold_id) AS holder, spots, expires_at FROM spots WHERE instance_id = $1"
HISTORY = "SELECT * FROM history WHERE org_id = $1 ORDER BY booking_id, sequence"
OUTBOX = "SELECT id, event_id, value FROM outbox WHERE id > $1 ORDER BY id"


@dataclass
class Witness:
    """Looks at an organization again and again.

    Attributes:
        table_ids: the tables by the numbers of their resources.
        told: all that the outbox tells of bookings, holds and the instance, by event id.
    """

    desk: Desk
    table_ids: Mapping[int, str]
    told: dict[str, AnyEvent] = field(default_factory=dict)
    _last: int = 0

    async def look(self, ids: Mapping[str, str], now: datetime) -> Seen:
        """Answer what there is, with the keys that stand for the ids."""
        keys, org_id = {real: key for key, real in ids.items()}, self.desk.actor.org_id
        async with self.desk.db.connection() as conn:
            bookings = await conn.fetch(BOOKINGS, org_id)
            holds = await conn.fetch(HOLDS, org_id, now)
            taken = await conn.fetch(OCCUPANCY, org_id, now)
            (instance,) = await conn.fetch("SELECT * FROM event_instances WHERE id = $1", ids[INSTANCE])
            spots = await conn.fetch(SPOTS, ids[INSTANCE])
            history = await conn.fetch(HISTORY, org_id)
            changed = await self._read_outbox(conn)
        assert sum(row["spots"] for row in spots) == instance["attendance"] <= instance["max_attendance"]
        self._check_history(history)
        self._check_sequences()
        for booking_id in changed & {row["id"] for row in bookings}:
            await self._check_snapshot(booking_id)
        told = defaultdict[str, tuple[str, ...]](tuple)
        for event in sorted(self.told.values(), key=lambda event: (event.subject, event.sequence)):
            told[keys.get(event.subject, event.subject)] += (event.type.rsplit(".", 1)[1],)
        return Seen(
            bookings={keys.get(row["id"], row["id"]): self._shown(row) for row in bookings},
            takes=_takes(taken, keys),
            spots={
                keys.get(row["holder"], row["holder"]): row["spots"]
                for row in spots
                if row["expires_at"] is None or row["expires_at"] > now
            },
            told=dict(told),
            holds={keys.get(row["id"], row["id"]): row["start_time"] for row in holds},
            instance=(instance["status"] == "scheduled", instance["start_time"], instance["end_time"]),
        )

    def _shown(self, row: asyncpg.Record) -> tuple[object, ...]:
        numbers = {table_id: number for number, table_id in self.table_ids.items()}
        tables = frozenset(numbers[table_id] for table_id in row["table_ids"])
        names = ("status", "start_time", "end_time", "party_size")
        return (*(row[name] for name in names), tables, row["version"], row["client_id"])

    async def _read_outbox(self, conn: Connection) -> set[str]:
        """Read what was told since the last look, and answer of what."""
        subjects = set[str]()
        for row in await conn.fetch(OUTBOX, self._last):
            self._last = row["id"]
            event = decode(row["value"])
            assert row["event_id"] == event.id
            assert event.id not in self.told, "an event is in the outbox once"
            if event.orgid == self.desk.actor.org_id and not event.type.startswith(("location.", "table.")):
                self.told[event.id] = event
                subjects.add(event.subject)
        return subjects

    def _check_history(self, history: Sequence[asyncpg.Record]) -> None:
        """Each booking's events count 1, 2, 3, rise in id, never fall in time, and are those of the outbox."""
        for booking_id, group in groupby(history, key=lambda row: row["booking_id"]):
            rows = list(group)
            assert [row["sequence"] for row in rows] == list(range(1, len(rows) + 1)), booking_id
            for row, following in pairwise(rows):
                assert row["event_id"] < following["event_id"]
                assert row["created_at"] <= following["created_at"]
        kept = {row["event_id"]: row for row in history}
        assert kept.keys() == {event.id for event in self.told.values() if event.type.startswith("reservation.")}
        for event_id, row in kept.items():
            event: Any = self.told[event_id]
            assert (event.subject, event.sequence, event.type, event.time, event.actor) == (
                row["booking_id"],
                row["sequence"],
                row["type"],
                row["created_at"],
                row["actor"],
            )
            assert event.data.change.model_dump(mode="json") == row["data"]

    def _check_sequences(self) -> None:
        by_subject = defaultdict[str, list[int]](list)
        for event in self.told.values():  # in the order of the outbox
            by_subject[event.subject].append(event.sequence)
        assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in by_subject.values())

    async def _check_snapshot(self, booking_id: str) -> None:
        """The last event of a booking shows it as the API does."""
        shown = snapshot(await self.desk.bookings.get(self.desk.actor, booking_id))
        events = [event for event in self.told.values() if event.subject == booking_id]
        last: Any = max(events, key=lambda event: event.sequence)
        assert last.data.resource == shown


def _takes(rows: Sequence[asyncpg.Record], keys: Mapping[str, str]) -> dict[str, frozenset[Taking]]:
    """Answer what each holder takes, once it is seen that nothing overlaps."""
    by_resource = sorted((row["resource_no"], row["starts"], row["ends"], row["holder"]) for row in rows)
    for (number, _, end, _), (other, start, _, _) in pairwise(by_resource):
        assert number != other or end <= start, f"two have {number} at once"
    takes = defaultdict[str, set[Taking]](set)
    for number, start, end, holder in by_resource:
        takes[keys.get(holder, holder)].add(
            (number, datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC))
        )
    return {holder: frozenset(taken) for holder, taken in takes.items()}
