"""The topics: their names, keys, partitions and how long they are kept."""

from dataclasses import dataclass, replace

DEAD_LETTER_HOURS = 30 * 24


@dataclass(frozen=True, slots=True)
class Topic:
    """A Kafka topic."""

    name: str
    partitions: int
    retention_hours: int
    key: str
    owner: str


BOOKING_EVENTS = Topic("booking.events", 12, 14 * 24, "booking id", "booking")


def dead_letter_topic(name: str) -> str:
    """Tell where a consumer of a topic sets aside the records that it cannot handle."""
    return f"{name}.dlq"


def dead_letters(topic: Topic) -> Topic:
    """Describe a topic's dead letters: one partition, kept for 30 days."""
    return replace(topic, name=dead_letter_topic(topic.name), partitions=1, retention_hours=DEAD_LETTER_HOURS)
