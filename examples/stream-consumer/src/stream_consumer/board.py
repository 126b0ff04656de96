"""The board: who comes and who waits, in a file of SQLite's.

Invariant: an event's id and what the event did to the board are written in one transaction; so it counts once, however
often it comes, and one that was cut off in the middle has done nothing.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Self

from slotwire_contracts import Reservation, WaitlistEntry

__all__ = ["Board"]

_TABLES = """
CREATE TABLE IF NOT EXISTS visits (
    id TEXT PRIMARY KEY, org_id TEXT, guest TEXT, start TEXT, party_size INTEGER, tables TEXT, status TEXT
);
CREATE TABLE IF NOT EXISTS waiting (
    id TEXT PRIMARY KEY, org_id TEXT, guest TEXT, since TEXT, party_size INTEGER, offered_until TEXT
);
CREATE TABLE IF NOT EXISTS taken (event_id TEXT PRIMARY KEY);
"""


class Board:
    """The board that a file keeps; what is shown and taken off belongs inside of `once`."""

    def __init__(self, path: str) -> None:
        self._database = sqlite3.connect(path)
        self._database.executescript(_TABLES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    @contextmanager
    def once(self, event_id: str) -> Iterator[bool]:
        """Tell whether an event is new; that it is known from now on is written with what is done in the block."""
        with self._database:
            note = self._database.execute("INSERT OR IGNORE INTO taken VALUES (?)", [event_id])
            yield note.rowcount == 1

    def show_visit(self, org_id: str, visit: Reservation) -> None:
        """Show somebody who comes, as the visit stands now."""
        self._database.execute(
            "INSERT OR REPLACE INTO visits VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                visit.id,
                org_id,
                visit.attendee_name,
                visit.start_time.isoformat(),
                visit.party_size,
                " ".join(visit.table_ids),
                visit.status,
            ],
        )

    def take_off_visit(self, booking_id: str) -> None:
        """Take off somebody who does not come, or was here."""
        self._database.execute("DELETE FROM visits WHERE id = ?", [booking_id])

    def show_waiting(self, org_id: str, entry: WaitlistEntry) -> None:
        """Show somebody who waits; an offer that is shown stays."""
        guest = entry.contact.name if entry.contact is not None else entry.user_id
        self._database.execute(
            "INSERT INTO waiting (id, org_id, guest, since, party_size) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET guest = excluded.guest, party_size = excluded.party_size",
            [entry.id, org_id, guest, entry.joined_at.isoformat(), entry.party_size],
        )

    def show_offer(self, entry_id: str, until: datetime | None) -> None:
        """Show until when somebody who waits has a place offered; None takes that off."""
        self._database.execute(
            "UPDATE waiting SET offered_until = ? WHERE id = ?", [until and until.isoformat(), entry_id]
        )

    def take_off_waiting(self, entry_id: str) -> None:
        """Take off somebody who waits no more."""
        self._database.execute("DELETE FROM waiting WHERE id = ?", [entry_id])
