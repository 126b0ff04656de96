"""Any resource and any event of the catalog, for property tests."""

from collections.abc import Mapping
from datetime import time
from typing import Any, get_args

from hypothesis import strategies as st

from slotwire_contracts import CATALOG, Weekday
from support.catalog_events import CHANGES, a_catalog_event, a_resource

TEXT = st.text(min_size=1, max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
INSTANTS = st.datetimes(timezones=st.timezones(), allow_imaginary=False).filter(lambda at: 1 < at.year < 9999)
HOURS = st.lists(
    st.fixed_dictionaries(dict.fromkeys(("start", "end"), st.times().map(lambda at: time.strftime(at, "%H:%M")))),
    max_size=3,
)
_ATTENDEES = st.fixed_dictionaries(
    {
        "name": st.text(max_size=20),
        "email": TEXT,
        "phone": st.none() | TEXT,
        "timezone": st.none() | TEXT,
        "absent": st.booleans(),
        "seat_uid": st.none() | TEXT,
    }
)
_FIELDS: Mapping[str, Mapping[str, st.SearchStrategy[Any]]] = {
    "reservation": {
        "title": st.none() | TEXT,
        "start_time": INSTANTS,
        "metadata": st.dictionaries(TEXT, JSON, max_size=3),
        "table_ids": st.lists(TEXT, max_size=3),
        "party_size": st.integers(1, 500),
        "location_type": st.sampled_from([None, "in_person", "phone", "video", "custom"]),
    },
    "hold": {
        "schedule_id": st.none() | TEXT,
        "table_ids": st.lists(TEXT, max_size=3),
        "party_size": st.integers(1, 500),
        "expires_at": INSTANTS,
    },
    "event_instance": {
        "title": TEXT,
        "start_time": INSTANTS,
        "location_id": st.none() | TEXT,
        "max_attendance": st.integers(1, 500),
        "attendance": st.integers(0, 500),
        "status": st.sampled_from(["scheduled", "cancelled"]),
    },
    "location": {
        "auto_confirm": st.booleans(),
        "weekly_hours": st.none() | st.dictionaries(st.sampled_from(get_args(Weekday)), HOURS),
        "date_overrides": st.dictionaries(st.dates(), HOURS, max_size=3),
        "visit_minutes": st.integers(1, 1440),
    },
    "table": {
        "section_id": st.none() | TEXT,
        "min_party": st.integers(1, 20),
        "combinable": st.booleans(),
    },
    "waitlist_entry": {
        "locationId": st.none() | TEXT,
        "requestedDate": st.none() | st.dates(),
        "partySize": st.integers(1, 500),
        "status": st.sampled_from(["waiting", "notified", "converted", "expired", "removed"]),
        "contact": st.none() | st.fixed_dictionaries(dict.fromkeys(("name", "email", "phone"), st.none() | TEXT)),
        "priority": st.integers(-100, 100),
        "windowStart": st.none() | INSTANTS,
        "joinedAt": INSTANTS,
    },
    "webhook_subscription": {
        "url": TEXT,
        "events": st.lists(TEXT, min_size=1, max_size=3),
        "description": st.none() | TEXT,
        "status": st.sampled_from(["active", "disabled", "deleted"]),
        "disabled_reason": st.sampled_from([None, "requested", "gone", "failing"]),
        "updated_at": INSTANTS,
    },
    "calcom_booking": {
        "chain_id": TEXT,
        "uids": st.lists(TEXT, min_size=1, max_size=3),
        "status": st.sampled_from(["PENDING", "CONFIRMED", "COMPLETED", "CANCELLED", "NO_SHOW"]),
        "start_time": INSTANTS,
        "event_type_id": st.none() | TEXT,
        "calcom_event_type": st.none()
        | st.fixed_dictionaries({"id": st.none() | st.integers(1, 2**40), "slug": st.none() | TEXT}),
        "host": st.none() | st.fixed_dictionaries({"name": TEXT, "email": TEXT}),
        "attendees": st.lists(_ATTENDEES, max_size=3),
        "party_size": st.integers(1, 500),
        "metadata": st.dictionaries(TEXT, JSON, max_size=3),
        "updated_at": st.none() | INSTANTS,
    },
    "calcom_result": {
        "chain_id": TEXT,
        "booking_id": st.none() | TEXT,
        "outcome": st.sampled_from(["created", "updated", "unchanged", "conflict", "stale", "invalid"]),
        "conflict": st.booleans(),
        "problem": st.none() | st.fixed_dictionaries({"param": TEXT, "message": TEXT}),
    },
}
_ANY_CHANGES = st.fixed_dictionaries(
    {"changes": st.dictionaries(TEXT, st.fixed_dictionaries({"from": JSON, "to": JSON}), max_size=3)}
)
_OTHER_CHANGES: Mapping[str, st.SearchStrategy[Any]] = {
    "hold.released": st.fixed_dictionaries({"reason": st.sampled_from(["expired", "released"])}),
    "event_instance.updated": st.fixed_dictionaries(
        {
            "changes": st.fixed_dictionaries(
                {},
                optional={
                    "start_time": st.fixed_dictionaries({"from": INSTANTS, "to": INSTANTS}),
                    "location_id": st.fixed_dictionaries({"from": st.none() | TEXT, "to": st.none() | TEXT}),
                },
            )
        }
    ),
    "event_instance.cancelled": st.fixed_dictionaries({}, optional={"reason": TEXT}),
    "location.updated": _ANY_CHANGES,
    "table.updated": _ANY_CHANGES,
    "waitlist_entry.notified": st.fixed_dictionaries(
        {"offerId": TEXT, "expiresAt": INSTANTS, "claimUrl": TEXT, "attempt": st.integers(1, 50)},
        optional={
            "instance": st.fixed_dictionaries(
                {"id": TEXT, "title": TEXT, "startTime": INSTANTS, "endTime": INSTANTS, "spots": st.integers(1, 9)}
            ),
        },
    ),
    "waitlist_entry.removed": st.fixed_dictionaries(
        {"reason": st.sampled_from(["guest", "staff", "expired", "declined", "event_cancelled"])}
    ),
    "waitlist_entry.updated": _ANY_CHANGES,
    "calcom_booking.observed": st.fixed_dictionaries(
        {
            "found_by": st.sampled_from(["sync", "incremental", "reconcile", "webhook"]),
            "run_id": st.none() | TEXT,
            "changed": st.lists(TEXT, max_size=3),
        }
    ),
    "calcom_booking.applied": st.fixed_dictionaries({"run_id": st.none() | TEXT}),
    "webhook_subscription.disabled": st.fixed_dictionaries(
        {"reason": st.sampled_from(["requested", "gone", "failing"]), "failing_since": st.none() | INSTANTS}
    ),
}


def _resources(resource: str) -> st.SearchStrategy[Any]:
    return st.builds(a_resource, st.just(resource), id=TEXT, **_FIELDS[resource])


EVENTS = st.sampled_from(sorted(CATALOG)).flatmap(
    lambda kind: st.builds(
        a_catalog_event,
        st.just(kind),
        id=TEXT,
        time=INSTANTS,
        resource=_resources(CATALOG[kind].resource),
        change=_OTHER_CHANGES.get(kind, st.just(CHANGES[kind])),
        sequence=st.integers(1, 2**31 - 1),
        actor=st.sampled_from([None, "staff", "client", "system", "calcom"]),
        correlationid=st.none() | TEXT,
        causationid=st.none() | TEXT,
        traceparent=st.none() | TEXT,
    )
)
