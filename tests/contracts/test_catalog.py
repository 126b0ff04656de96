"""The catalog and the topics are those of events.md."""

from dataclasses import replace

from slotwire_contracts import (
    BOOKING_EVENTS,
    CATALOG,
    TOPICS,
    Topic,
    dead_letter_topic,
    dead_letters,
    is_known,
    public_types,
)

TRANSITIONS = "pending confirmed declined late partially_seated seated completed cancelled no_show"


TOPIC_ONLY = {
    "hold.released": "hold",
    "event_instance.updated": "event_instance",
    "event_instance.cancelled": "event_instance",
    "location.created": "location",
    "location.updated": "location",
    "location.deleted": "location",
    "table.created": "table",
    "table.updated": "table",
    "table.deleted": "table",
}


def test_feed_and_webhooks_tell_of_reservations_alone_and_not_of_their_tables() -> None:
    """events.md section 2: "topic only (bookkeeping: never in feed or webhooks)"."""
    public = {"reservation.created", "reservation.updated", *(f"reservation.{word}" for word in TRANSITIONS.split())}
    assert set(public_types()) == public
    assert set(CATALOG) - public == {"reservation.assigned", "reservation.unassigned", *TOPIC_ONLY}


def test_each_type_has_its_place() -> None:
    for kind, entry in CATALOG.items():
        resource = TOPIC_ONLY.get(kind, "reservation")
        assert (entry.type, entry.resource, entry.topic) == (kind, resource, BOOKING_EVENTS)
        assert entry.dataschema.endswith(f"/{kind}/1")
        assert entry.source == "/slotwire/booking"
    assert is_known("reservation.late")
    assert is_known("table.deleted")
    assert not is_known("reservation.*")


def test_bookings_have_one_topic() -> None:
    """events.md section 1: "its key is the resource's id", "12 | 14 days, settable | booking"."""
    assert (Topic("booking.events", 12, 14 * 24, "resource id", "booking"),) == TOPICS


def test_dead_letters_are_kept_for_thirty_days_in_one_partition() -> None:
    """events.md section 1: "`<topic>.dlq` | as the topic | 1 | 30 days"."""
    assert dead_letter_topic("booking.events") == "booking.events.dlq"
    dead = dead_letters(BOOKING_EVENTS)
    assert replace(dead, max_message_bytes=0) == Topic("booking.events.dlq", 1, 30 * 24, "resource id", "booking", 0)
    assert dead.max_message_bytes > BOOKING_EVENTS.max_message_bytes
