"""The lists that are read of many bookings, by the names of their filters."""

from dataclasses import dataclass
from datetime import datetime, timedelta

Query = dict[str, str]

_RARE_SCHEDULE, _WIDE_SCHEDULE = {"schedule_id": "sch_rare"}, {"schedule_id": "sch_wide"}
_RARE_EVENT_TYPE, _WIDE_EVENT_TYPE = {"event_type_id": "evt_rare"}, {"event_type_id": "evt_wide"}
_RARE_ATTENDEE, _WIDE_ATTENDEE = {"attendee_email": "rare@example.com"}, {"attendee_email": "walk-in@example.com"}
_PENDING, _COMPLETED = {"status": "PENDING"}, {"status": "COMPLETED"}
_UPCOMING = {"upcoming": "true"}


@dataclass(frozen=True)
class Queries:
    """What is asked for.

    Attributes:
        narrow: lists that find up to a thousand bookings, however many there are.
        wide: lists that find a part of them all.
        followed: `GET /v1/reservations`, by what was updated since when.
    """

    narrow: dict[str, Query]
    wide: dict[str, Query]
    followed: dict[str, Query]


def queries(now: datetime) -> Queries:
    """Tell what is asked for, of bookings that were made at an instant."""
    days = {"start_date": f"{now - timedelta(days=5):%F}", "end_date": f"{now - timedelta(days=3):%F}"}
    return Queries(
        narrow={
            "schedule_id": _RARE_SCHEDULE,
            "attendee_email": _RARE_ATTENDEE,
            "event_type_id": _RARE_EVENT_TYPE,
            "status": _PENDING,
            "dates": days,
            "upcoming": _UPCOMING,
            "schedule_id+upcoming": {**_WIDE_SCHEDULE, **_UPCOMING},
            "schedule_id+status": {**_WIDE_SCHEDULE, **_PENDING},
            "schedule_id+dates": {**_WIDE_SCHEDULE, **days},
            "schedule_id+attendee_email": {**_RARE_SCHEDULE, **_WIDE_ATTENDEE},
            "event_type_id+status": {**_WIDE_EVENT_TYPE, **_PENDING},
            "event_type_id+dates": {**_WIDE_EVENT_TYPE, **days},
            "attendee_email+upcoming": {**_WIDE_ATTENDEE, **_UPCOMING},
            "attendee_email+dates": {**_WIDE_ATTENDEE, **days},
            "status+dates": {**_COMPLETED, **days},
        },
        wide={"attendee_email": _WIDE_ATTENDEE, "schedule_id": _WIDE_SCHEDULE, "status": _COMPLETED, "all": {}},
        followed={
            "updated_since a day ago": _since(now - timedelta(days=1)),
            "updated_since a month ago": _since(now - timedelta(days=30)),
            "updated_since before the first": _since(datetime(2000, 1, 1)),  # noqa: DTZ001 - it is only written out
        },
    )


def _since(instant: datetime) -> Query:
    return {"updated_since": f"{instant:%FT%TZ}"}
