"""An event of every type of the catalog, well-formed, for tests to bend."""

from collections.abc import Mapping
from typing import Any

from slotwire_contracts import (
    CATALOG,
    CalcomBooking,
    CalcomResult,
    CatalogEvent,
    EventInstance,
    Hold,
    Location,
    Reservation,
    Table,
    WaitlistEntry,
    WebhookSubscription,
    make_event,
)
from support.reservations import CHANGES as RESERVATION_CHANGES
from support.reservations import OCCASION, RESERVATION

RESOURCES: Mapping[str, Mapping[str, Any]] = {
    "reservation": RESERVATION,
    "hold": {
        "id": "hld_abc123",
        "schedule_id": None,
        "location_id": "loc_abc123",
        "event_type_id": None,
        "event_instance_id": None,
        "table_ids": ["tbl_1", "tbl_2"],
        "party_size": 4,
        "start_time": "2024-02-15T19:00:00Z",
        "end_time": "2024-02-15T20:30:00Z",
        "expires_at": "2024-01-02T12:30:00Z",
        "created_at": "2024-01-02T12:15:00Z",
    },
    "event_instance": {
        "id": "ins_abc123",
        "service_id": "svc_abc123",
        "title": "Yoga for beginners",
        "start_time": "2024-02-15T08:00:00Z",
        "end_time": "2024-02-15T09:00:00Z",
        "timezone": "Europe/Berlin",
        "location_id": None,
        "max_attendance": 12,
        "attendance": 0,
        "status": "scheduled",
        "created_at": "2024-01-01T00:00:00Z",
        "updated_at": "2024-01-02T00:00:00Z",
    },
    "location": {
        "id": "loc_abc123",
        "name": "Osteria",
        "timezone": "Europe/Rome",
        "auto_confirm": True,
        "weekly_hours": {"friday": [{"start": "12:00", "end": "15:00"}, {"start": "19:00", "end": "01:00"}]},
        "date_overrides": {"2024-12-25": []},
        "visit_minutes": 90,
        "interval_minutes": 15,
        "one_per_attendee": True,
        "complete_after_minutes": None,
        "created_at": "2024-01-01T00:00:00Z",
        "updated_at": "2024-01-02T00:00:00Z",
    },
    "table": {
        "id": "tbl_1",
        "location_id": "loc_abc123",
        "section_id": None,
        "name": "By the window",
        "min_party": 1,
        "max_party": 4,
        "combinable": False,
        "created_at": "2024-01-01T00:00:00Z",
        "updated_at": "2024-01-02T00:00:00Z",
    },
    "waitlist_entry": {
        "id": "wle_abc123",
        "locationId": "loc_abc123",
        "userId": "cli_abc123",
        "requestedDate": "2024-02-15",
        "partySize": 4,
        "preferredStartTime": "19:00",
        "preferredEndTime": "22:00",
        "status": "waiting",
        "eventInstanceId": None,
        "contact": {"name": "Jane", "email": "jane@example.com", "phone": None},
        "priority": 0,
        "notes": "By the window, please",
        "windowStart": "2024-02-15T18:00:00Z",
        "windowEnd": "2024-02-15T21:00:00Z",
        "sourceName": None,
        "channel": None,
        "timeZone": None,
        "matterUid": None,
        "initiator": "client",
        "bookingId": None,
        "joinedAt": "2024-01-01T00:00:00.250000Z",
        "updatedAt": "2024-01-02T12:30:00.500000Z",
        "version": 2,
    },
    "webhook_subscription": {
        "id": "sub_abc123",
        "url": "https://example.com/hook",
        "events": ["reservation.*"],
        "description": None,
        "status": "disabled",
        "disabled_reason": "failing",
        "created_at": "2024-01-01T00:00:00.250000Z",
        "updated_at": "2024-01-02T12:30:00.500000Z",
    },
    "calcom_booking": {
        "chain_id": "cal_uid_1",
        "uid": "cal_uid_2",
        "uids": ["cal_uid_1", "cal_uid_2"],
        "status": "CONFIRMED",
        "status_reason": None,
        "start_time": "2024-02-15T10:00:00Z",
        "end_time": "2024-02-15T11:00:00Z",
        "title": "Consultation between Jane and John",
        "description": None,
        "location": "https://example.com/room",
        "location_type": "video",
        "timezone": "Europe/Berlin",
        "schedule_id": "sch_xyz789",
        "event_type_id": None,
        "calcom_event_type": {"id": 42, "slug": "consultation"},
        "host": {"name": "Jane Roe", "email": "jane@example.com"},
        "attendees": [
            {
                "name": "John Doe",
                "email": "john@example.com",
                "phone": None,
                "timezone": "America/New_York",
                "absent": False,
                "seat_uid": None,
            }
        ],
        "party_size": 1,
        "recurring_booking_uid": None,
        "absent_host": False,
        "rescheduled_reason": "Ill that day",
        "metadata": {"source": "website"},
        "times_editable": False,
        "created_at": "2024-01-01T00:00:00.250000Z",
        "updated_at": "2024-01-02T12:30:00.500000Z",
    },
    "calcom_result": {
        "chain_id": "cal_uid_1",
        "uid": "cal_uid_2",
        "observed_sequence": 2,
        "booking_id": None,
        "outcome": "invalid",
        "conflict": False,
        "problem": {"param": "schedule_id", "message": "must name a schedule of the organization"},
    },
}
"""The JSON of one of each kind of resource, with the keys in their order."""

CHANGES: Mapping[str, Mapping[str, Any]] = {
    **RESERVATION_CHANGES,
    "hold.released": {"reason": "expired"},
    "event_instance.updated": {"changes": {"max_attendance": {"from": 10, "to": 12}}},
    "event_instance.cancelled": {"reason": "The teacher is ill"},
    "location.created": {},
    "location.updated": {"changes": {"weekly_hours": {"from": None, "to": {}}}},
    "location.deleted": {},
    "table.created": {},
    "table.updated": {"changes": {"max_party": {"from": 2, "to": 4}, "name": {"from": "1", "to": "By the window"}}},
    "table.deleted": {},
    "waitlist_entry.joined": {},
    "waitlist_entry.notified": {
        "offerId": "wlo_abc123",
        "expiresAt": "2024-01-02T12:45:00Z",
        "slot": {"startTime": "2024-02-15T18:30:00Z", "endTime": "2024-02-15T20:00:00Z", "tableIds": ["tbl_1"]},
        "claimUrl": "https://example.com/w/abc123",
        "attempt": 1,
    },
    "waitlist_entry.converted": {"bookingId": "bk_abc123"},
    "waitlist_entry.removed": {"reason": "guest"},
    "waitlist_entry.offer_expired": {"offerId": "wlo_abc123", "reason": "expired"},
    "waitlist_entry.declined": {"offerId": "wlo_abc123"},
    "waitlist_entry.updated": {"changes": {"partySize": {"from": 2, "to": 4}}},
    "webhook_subscription.disabled": {"reason": "failing", "failing_since": "2023-12-28T12:30:00.250000Z"},
    "calcom_booking.observed": {"found_by": "incremental", "run_id": "run_abc123", "changed": ["uid", "start_time"]},
    "calcom_booking.applied": {"run_id": "run_abc123"},
}
"""A change for every type of the catalog."""

AnyResource = (
    Reservation
    | Hold
    | EventInstance
    | Location
    | Table
    | WaitlistEntry
    | WebhookSubscription
    | CalcomBooking
    | CalcomResult
)

MODELS: Mapping[str, type[AnyResource]] = {
    "reservation": Reservation,
    "hold": Hold,
    "event_instance": EventInstance,
    "location": Location,
    "table": Table,
    "waitlist_entry": WaitlistEntry,
    "webhook_subscription": WebhookSubscription,
    "calcom_booking": CalcomBooking,
    "calcom_result": CalcomResult,
}
"""The class of each kind of resource."""


def a_resource(resource: str, **other: Any) -> AnyResource:
    """Make a resource of a kind, the given fields replaced."""
    return MODELS[resource].model_validate({**RESOURCES[resource], **other})


def a_catalog_event(kind: str, **other: Any) -> CatalogEvent:
    """Make an event of a type, the given attributes replaced."""
    resource = a_resource(CATALOG[kind].resource)
    made: CatalogEvent = make_event(kind, **{"resource": resource, "change": CHANGES[kind], **OCCASION, **other})
    return made
