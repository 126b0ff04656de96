"""Rows of Cal.com for tests of the rules, and the settings under which they are looked at."""

from datetime import datetime, timedelta
from typing import Any

from calcom_sync.domain.chains import Chain
from calcom_sync.domain.integration import Placement, Terms
from calcom_sync.domain.row import Row
from calcom_sync.domain.snapshots import View
from slotwire_contracts import CalcomAttendee, CalcomEventType, CalcomHost
from support.calcom.life import BEGINNING

SOON = BEGINNING + timedelta(days=1)
HALF_AN_HOUR = timedelta(minutes=30)
TERMS = Terms(schedules=(Placement("sch_1", "evt_1", calcom_event_type_id=50),), default_schedule_id="sch_default")
HOST = CalcomHost(name="Hanna Host", email="hanna@host.example")


def attendee(name: str = "Ada", *, absent: bool = False, seat_uid: str | None = None) -> CalcomAttendee:
    """Somebody who was invited."""
    return CalcomAttendee(
        name=name,
        email=f"{name.lower()}@guest.example",
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
        "hosts": (HOST,),
        "timezone": "Europe/Berlin",
        "attendees": (attendee(),),
        "event_type": CalcomEventType(id=50, slug="consultation"),
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
