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


def test_feed_and_webhooks_tell_of_all_but_the_assignment_of_tables() -> None:
    """events.md section 2: "topic only (bookkeeping: never in feed or webhooks)"."""
    public = {"reservation.created", "reservation.updated", *(f"reservation.{word}" for word in TRANSITIONS.split())}
    assert set(public_types()) == public
    assert set(CATALOG) - public == {"reservation.assigned", "reservation.unassigned"}


def test_each_type_has_its_place() -> None:
    for kind, entry in CATALOG.items():
        assert (entry.type, entry.resource, entry.topic) == (kind, "reservation", BOOKING_EVENTS)
        assert entry.dataschema.endswith(f"/{kind}/1")
    assert is_known("reservation.late")
    assert not is_known("reservation.*")


def test_bookings_have_one_topic() -> None:
    """events.md section 1: "`booking.events` | booking id | 12 | 14 days, settable | booking"."""
    assert (Topic("booking.events", 12, 14 * 24, "booking id", "booking"),) == TOPICS


def test_dead_letters_are_kept_for_thirty_days_in_one_partition() -> None:
    """events.md section 1: "`<topic>.dlq` | as the topic | 1 | 30 days"."""
    assert dead_letter_topic("booking.events") == "booking.events.dlq"
    dead = dead_letters(BOOKING_EVENTS)
    assert replace(dead, max_message_bytes=0) == Topic("booking.events.dlq", 1, 30 * 24, "booking id", "booking", 0)
    assert dead.max_message_bytes > BOOKING_EVENTS.max_message_bytes
