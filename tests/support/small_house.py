"""What happens in a small run, told of bookings and entries: each change is asked for, told, published and kept.

Invariant: the tables hold what was told last, as soon as they are kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from asyncpg import Range

from chaos.checks.reading import by_subject, published
from chaos.evidence import Evidence
from slotwire_contracts import Reservation
from support.reservations import RESERVATION
from support.small_run import SmallRun

OURS, THEIRS = "org_ours", "org_theirs"
BOOKINGS, WAITLIST, INSTANCES = "/api/v1/bookings", "/api/v1/waitlist", "/v2/event_instances"
SUBSCRIPTIONS = "/api/v1/webhooks/subscriptions"
TEN = datetime(2026, 12, 1, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
DESK, ROOM, TABLE, CLASS = "sch_desk", "sch_room", "tbl_one", "ins_class"
NO_PLACE: dict[str, Any] = {"schedule_id": None, "location_id": None, "event_instance_id": None, "table_ids": []}


def text(instant: datetime) -> str:
    """Write an instant as callers do."""
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@dataclass
class Story:
    """What happens, told to a run.

    Attributes:
        bookings: as they stand, by id.
        where: the resource that each of them has, if any.
    """

    run: SmallRun = field(default_factory=lambda: SmallRun((OURS, THEIRS)))
    bookings: dict[str, dict[str, Any]] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    where: dict[str, int] = field(default_factory=dict)

    def open(self) -> None:
        """Have all places there, and subscribers."""
        lanes = ((1, OURS, DESK, 1), (2, OURS, DESK, 2), (3, OURS, TABLE, 1), (4, THEIRS, ROOM, 1))
        for number, org_id, owner, lane in lanes:
            row = {"resource_no": number, "org_id": org_id, "owner_id": owner, "lane": lane}
            self.run.tables["booking.resources"].append(row)
        self.run.subscribe(OURS, "healthy", ["*"], 204, healthy=True, ordered=True)
        self.run.subscribe(OURS, "failing", ["reservation.*"], 500)
        disabled = self.run.subscribe(OURS, "disabled", ["waitlist_entry.*"], 0)
        self.run.tables["webhook_dispatcher.subscriptions"][-1]["state"] = "disabled"
        self.run.told(OURS, "POST", f"{SUBSCRIPTIONS}/{disabled}/disable", {}, {"id": disabled, "status": "disabled"})
        self.run.subscribe(THEIRS, "theirs", ["*"], 204, healthy=True)

    def book(self, org_id: str, name: str, start: datetime, *, at: int | None, **place: Any) -> None:
        """Make a booking, asked for twice as its client heard nothing the first time."""
        times = {"start_time": text(start), "end_time": text(start + HOUR)}
        body = {"attendee": {"name": name, "email": f"{name}@guest.example"}, **times, **place}
        path = BOOKINGS
        if (instance_id := place.get("event_instance_id")) is not None:
            path = f"{INSTANCES}/{instance_id}/registrations"
        sent_at = self.run.now
        self.run.told(org_id, "POST", path, body, None, status=None, key=f"key-{name}", sent_at=sent_at)
        made = {**RESERVATION, **NO_PLACE, **place, **times, "id": f"bk_{name}", "status": "PENDING", "version": 1}
        made |= {"attendee_email": f"{name}@guest.example", "created_at": text(sent_at), "updated_at": text(sent_at)}
        self.owners[f"bk_{name}"] = org_id
        if at is not None:
            self.where[f"bk_{name}"] = at
        self.happens(made, "created", {"source": "api", "party_size": made["party_size"]})
        self.answer(f"bk_{name}", "POST", path, body, key=f"key-{name}")

    def change(self, name: str, word: str, change: Mapping[str, Any], body: Any, **fields: Any) -> None:
        """Have a booking changed by a client."""
        one = self.bookings[f"bk_{name}"]
        self.happens({**one, **fields, "version": one["version"] + 1}, word, change)
        self.answer(one["id"], "PATCH", f"{BOOKINGS}/{one['id']}", body)

    def happens(self, booking: Mapping[str, Any], word: str, change: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """Have something happen to a booking."""
        shown = Reservation.model_validate(dict(booking)).model_dump(mode="json")
        self.bookings[shown["id"]] = shown
        return self.run.happens(self.owners[shown["id"]], f"reservation.{word}", shown, change, **more)

    def answer(self, booking_id: str, method: str, path: str, body: Any, **more: Any) -> None:
        """Show a client a booking."""
        self.run.told(self.owners[booking_id], method, path, body, self.bookings[booking_id], **more)

    def keep(self) -> None:
        """Have the tables hold what has become of it all."""
        tables = self.run.tables
        held = [row for row in tables["booking.occupancy"] if row["hold_id"] is not None]
        tables.update({"booking.bookings": [], "booking.occupancy": held, "booking.spots": []})
        last = {row["booking_id"]: row for row in tables["booking.history"]}
        for booking_id, one in self.bookings.items():
            row = {**one, "start_time": _instant(one["start_time"]), "end_time": _instant(one["end_time"])}
            row |= {"org_id": self.owners[booking_id], "sequence": last[booking_id]["sequence"], "conflict": False}
            row |= {
                "last_event_id": last[booking_id]["event_id"],
                "buffer_before_minutes": 0,
                "buffer_after_minutes": 0,
            }
            external = row.pop("external", None)
            tables["booking.bookings"].append(row | {"external_uid": external and external["uid"]})
            is_on = one["status"] in {"PENDING", "CONFIRMED"}
            if is_on and booking_id in self.where:
                tables["booking.occupancy"].append(taken(self.where[booking_id], row, booking_id=booking_id))
            if is_on and one["event_instance_id"] is not None:
                spots = {"instance_id": CLASS, "booking_id": booking_id, "hold_id": None, "spots": one["party_size"]}
                tables["booking.spots"].append(spots)
        self._keep_entries()

    def _keep_entries(self) -> None:
        entries = by_subject(published(self.evidence(), "waitlist.events"))
        self.run.tables["waitlist.entries"] = [
            {
                "id": entry_id,
                "org_id": org_id,
                "status": told[-1].resource["status"],
                "booking_id": told[-1].resource["bookingId"],
                "sequence": len(told),
                "last_event_id": told[-1].id,
                "version": told[-1].resource["version"],
                "location_id": "loc_bistro",
                "event_instance_id": None,
            }
            for (org_id, entry_id), told in entries.items()
        ]

    def evidence(self) -> Evidence:
        """Tell all of it."""
        return self.run.evidence()


def _instant(written: str) -> datetime:
    return datetime.fromisoformat(written)


def taken(number: int, row: Mapping[str, Any], **holder: str) -> dict[str, Any]:
    """Make the row of who has a resource for the time of a booking or hold."""
    start, end = (int(row[name].timestamp()) for name in ("start_time", "end_time"))
    none = {"booking_id": None, "hold_id": None, "expires_at": row.get("expires_at")}
    return {**none, "resource_no": number, "during": Range(number << 34 | start, number << 34 | end), **holder}
