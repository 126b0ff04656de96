"""Rows of Cal.com for tests of the rules, and the settings under which they are looked at."""

from datetime import datetime, timedelta
from typing import Any

from calcom_sync.domain.chains import Chain
from calcom_sync.domain.integration import Placement, Terms
from calcom_sync.domain.rows import Row, RowAttendee, RowHost
from calcom_sync.domain.snapshots import View
from support.calcom.life import BEGINNING

SOON = BEGINNING + timedelta(days=1)
HALF_AN_HOUR = timedelta(minutes=30)
TERMS = Terms(schedules=(Placement("sch_1", "evt_1", calcom_event_type_id=50),), default_schedule_id="sch_default")
HOST = RowHost(id=7, name="Hanna Host", email="hanna@host.example", timezone="Europe/Berlin")


def attendee(name: str = "Ada", *, absent: bool = False, seat_uid: str | None = None, email: str = "") -> RowAttendee:
    """Somebody who was invited."""
    return RowAttendee(
        name=name,
        email=email or f"{name.lower()}@guest.example",
        phone=None,
        timezone="Europe/Berlin",
        absent=absent,
        seat_uid=seat_uid,
    )


def row(uid: str = "A", start: datetime = SOON, **given: Any) -> Row:
    """A booking of half an hour that was accepted, unless told otherwise."""
    fields: dict[str, Any] = {
        "status": "accepted",
        "end": start + HALF_AN_HOUR,
        "title": "A talk",
        "description": None,
        "location": None,
        "hosts": (HOST,),
        "attendees": (attendee(),),
        "event_type_id": 50,
        "event_type_slug": "consultation",
        "cancellation_reason": None,
        "rescheduling_reason": None,
        "rescheduled_from_uid": None,
        "rescheduled_to_uid": None,
        "recurring_booking_uid": None,
        "absent_host": False,
        "metadata": {},
        "created_at": BEGINNING,
        "updated_at": BEGINNING,
    }
    return Row(uid=uid, start=start, **fields | given)


def chain(*rows: Row, is_gone: bool = False) -> Chain:
    """A chain of which all was read, oldest first."""
    return Chain(rows[0].uid, tuple(one.uid for one in rows), rows, is_gone)


def view(now: datetime = BEGINNING, **given: Any) -> View:
    """What is looked at, and when."""
    return View(given.pop("terms", TERMS), now, **given)
