"""The topics: their names, keys, partitions and how long they are kept.

Invariant: a topic's key is its resource's id, so that one resource's events keep their order.
"""

from dataclasses import dataclass, replace

__all__ = [
    "BOOKING_EVENTS",
    "CALCOM_BOOKINGS",
    "CALCOM_RESULTS",
    "RECORD_BYTES",
    "TOPICS",
    "WAITLIST_EVENTS",
    "WEBHOOK_ATTEMPTS",
    "WEBHOOK_EVENTS",
    "Topic",
    "dead_letter_topic",
    "dead_letters",
]

_DAY_HOURS = 24
_DEAD_LETTER_DAYS = 30
_DEAD_LETTER_HEADER_BYTES = 64 * 1024

RECORD_BYTES = 1024 * 1024
"""What a record may measure at most on a topic of which nothing else is said."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A Kafka topic.

    Attributes:
        name: as the broker knows it.
        partitions: how many it is created with; they bound how many consumers of a group can share the work.
        retention_hours: how long records are kept by default; an operator may change it on the broker.
        key: what a record's key means.
        owner: the service that creates the topic and writes to it.
        max_message_bytes: what a record may measure at most, as the broker counts batches.
    """

    name: str
    partitions: int
    retention_hours: int
    key: str
    owner: str
    max_message_bytes: int = RECORD_BYTES


BOOKING_EVENTS = Topic("booking.events", 12, 14 * _DAY_HOURS, "resource id", "booking")
"""What happens to bookings, and to what they are made of: holds, event instances, locations, tables."""

WAITLIST_EVENTS = Topic("waitlist.events", 12, 14 * _DAY_HOURS, "entry id", "waitlist")
"""What happens to waitlist entries."""

WEBHOOK_EVENTS = Topic("webhook.events", 6, 14 * _DAY_HOURS, "subscription id", "webhook-dispatcher")
"""What happens to webhook subscriptions."""

CALCOM_BOOKINGS = Topic("calcom.bookings", 6, 7 * _DAY_HOURS, "chain id", "calcom-sync")
"""What is found in Cal.com.

The key is the uid of a reschedule chain's first booking. Cal.com gives a moved booking a new uid; under that as key,
the news of one booking would be spread over partitions and could overtake each other.
"""

CALCOM_RESULTS = Topic("calcom.results", 6, 7 * _DAY_HOURS, "chain id", "booking")
"""What became of it here."""

WEBHOOK_ATTEMPTS = Topic("webhook.attempts", 6, 7 * _DAY_HOURS, "subscription id", "webhook-dispatcher")
"""What endpoints answered: records of `webhook_attempts`, not events."""

TOPICS: tuple[Topic, ...] = (BOOKING_EVENTS, WAITLIST_EVENTS, WEBHOOK_EVENTS, CALCOM_BOOKINGS, CALCOM_RESULTS)
"""Every topic that carries events of the catalog."""


def dead_letter_topic(name: str) -> str:
    """Tell where consumers of a topic set aside the records that they cannot handle."""
    return f"{name}.dlq"


def dead_letters(topic: Topic) -> Topic:
    """Describe a topic's dead letters: one partition, kept for 30 days, keyed as the topic itself.

    A record gets headers there that tell why, so it may be larger than on its topic.
    """
    return replace(
        topic,
        name=dead_letter_topic(topic.name),
        partitions=1,
        retention_hours=_DEAD_LETTER_DAYS * _DAY_HOURS,
        max_message_bytes=topic.max_message_bytes + _DEAD_LETTER_HEADER_BYTES,
    )
