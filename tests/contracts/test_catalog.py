"""The catalog and the topics are those of events.md."""

from dataclasses import replace

from slotwire_contracts import (
    BOOKING_EVENTS,
    CALCOM_BOOKINGS,
    CALCOM_RESULTS,
    CATALOG,
    TOPICS,
    WAITLIST_EVENTS,
    WEBHOOK_ATTEMPTS,
    WEBHOOK_EVENTS,
    Topic,
    dead_letter_topic,
    dead_letters,
    is_known,
    public_topics,
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


CALCOM = {
    "calcom_booking.observed": ("calcom_booking", CALCOM_BOOKINGS, "/slotwire/calcom-sync"),
    "calcom_booking.applied": ("calcom_result", CALCOM_RESULTS, "/slotwire/booking"),
}


WAITLIST = "joined notified converted removed offer_expired declined updated"
DISABLED = "webhook_subscription.disabled"


def test_webhooks_tell_of_reservations_waitlists_and_disabled_subscriptions_and_not_of_bookkeeping() -> None:
    """events.md section 2: "topic only (bookkeeping: never in feed or webhooks)"."""
    words = ("created", "updated", *TRANSITIONS.split())
    entries = [f"waitlist_entry.{word}" for word in WAITLIST.split()]
    public = {DISABLED, *(f"reservation.{word}" for word in words), *entries}
    assert set(public_types()) == public
    assert set(CATALOG) - public == {"reservation.assigned", "reservation.unassigned", *TOPIC_ONLY, *CALCOM}


def test_each_type_has_its_place() -> None:
    for kind, entry in CATALOG.items():
        place = (TOPIC_ONLY.get(kind, "reservation"), BOOKING_EVENTS, "/slotwire/booking")
        if kind == DISABLED:
            place = ("webhook_subscription", WEBHOOK_EVENTS, "/slotwire/webhook-dispatcher")
        if kind.startswith("waitlist_entry."):
            place = ("waitlist_entry", WAITLIST_EVENTS, "/slotwire/waitlist")
        place = CALCOM.get(kind, place)
        assert (entry.type, entry.resource, entry.topic, entry.source) == (kind, *place)
        assert entry.dataschema.endswith(f"/{kind}/1")
    assert is_known("reservation.late")
    assert is_known("table.deleted")
    assert not is_known("reservation.*")


def test_each_family_has_its_topic() -> None:
    """events.md section 1: "its key is the resource's id", "12 | 14 days, settable", booking's and waitlist's;
    "`calcom.bookings` / `calcom.results` | 6 | 7 days | calcom-sync / booking". A chain keeps its key over its uids.
    """
    assert (
        Topic("booking.events", 12, 14 * 24, "resource id", "booking"),
        Topic("waitlist.events", 12, 14 * 24, "entry id", "waitlist"),
        Topic("webhook.events", 6, 14 * 24, "subscription id", "webhook-dispatcher"),
        Topic("calcom.bookings", 6, 7 * 24, "chain id", "calcom-sync"),
        Topic("calcom.results", 6, 7 * 24, "chain id", "booking"),
    ) == TOPICS


def test_webhooks_are_told_from_three_topics() -> None:
    assert public_topics() == (BOOKING_EVENTS, WAITLIST_EVENTS, WEBHOOK_EVENTS)


def test_attempts_have_a_topic_of_their_own() -> None:
    """events.md section 1: "`webhook.attempts` | subscription id | 6 | 7 days | webhook-dispatcher"."""
    assert Topic("webhook.attempts", 6, 7 * 24, "subscription id", "webhook-dispatcher") == WEBHOOK_ATTEMPTS


def test_dead_letters_are_kept_for_thirty_days_in_one_partition() -> None:
    """events.md section 1: "`<topic>.dlq` | as the topic | 1 | 30 days"."""
    assert dead_letter_topic("booking.events") == "booking.events.dlq"
    dead = dead_letters(BOOKING_EVENTS)
    assert replace(dead, max_message_bytes=0) == Topic("booking.events.dlq", 1, 30 * 24, "resource id", "booking", 0)
    assert dead.max_message_bytes > BOOKING_EVENTS.max_message_bytes
