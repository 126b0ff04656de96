"""The part of I2 that is about subscribers who want a resource's order kept, which reaches as far as their endpoints.

Invariant: the order is that of the numbers on the topic. An event has come to its end when its delivery has, and not
before the endpoint took it, if it did; of one that was opened again nothing can be said, since others came meanwhile.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from chaos.checks.reading import Happening, by_subject, is_good, published, rows
from chaos.checks.scales import Scales
from chaos.evidence import Arrival, Evidence, Row, Subscriber
from slotwire_contracts import public_topics

_Came = Mapping[str, Sequence[Arrival]]
"""What came to one subscriber, by event."""

_Rows = Mapping[str, Row]
"""The deliveries to one subscriber, by event."""


def weigh_order(scales: Scales, evidence: Evidence) -> None:
    """Check that no event came to such a subscriber before the earlier ones of its resource had come to their end."""
    happenings = by_subject(published(evidence, *(topic.name for topic in public_topics())))
    for subscriber in evidence.told.subscribers:
        if subscriber.ordered:
            came, deliveries = _came(evidence, subscriber), _deliveries(evidence, subscriber)
            for some in happenings.values():
                own = [one for one in some if one.time > subscriber.created_at]
                _weigh(scales, subscriber, own, came, deliveries)


def _came(evidence: Evidence, subscriber: Subscriber) -> _Came:
    found: dict[str, list[Arrival]] = defaultdict(list)
    for one in sorted(evidence.told.arrivals, key=lambda arrival: arrival.at):
        if one.subscription_id == subscriber.id:
            found[str(one.event.get("eventId"))].append(one)
    return found


def _deliveries(evidence: Evidence, subscriber: Subscriber) -> _Rows:
    some = rows(evidence, "webhook_dispatcher.deliveries")
    return {row["event_id"]: row for row in some if row["subscription_id"] == subscriber.id}


def _weigh(scales: Scales, subscriber: Subscriber, some: Sequence[Happening], came: _Came, deliveries: _Rows) -> None:
    """Go through a resource's events, and hold the first arrival of each against the latest end of those before it."""
    last: tuple[datetime, Happening] | None = None
    for one in some:
        arrivals = came.get(one.id, ())
        if arrivals and last is not None:
            scales.weigh(
                last[0] <= arrivals[0].at,
                "an event came to a subscriber who wants the order kept before an earlier one had come to its end",
                subscription_id=subscriber.id,
                subject=one.subject,
                earlier=last[1].id,
                ended_at=last[0],
                later=one.id,
                first_came_at=arrivals[0].at,
            )
        ended_at = _ended_at(deliveries.get(one.id), arrivals)
        if ended_at is not None and (last is None or ended_at > last[0]):
            last = ended_at, one


def _ended_at(delivery: Row | None, arrivals: Sequence[Arrival]) -> datetime | None:
    if delivery is None or delivery["round"] or delivery["settled_at"] is None:
        return None
    settled_at: datetime = delivery["settled_at"]
    return max([settled_at, *[arrival.at for arrival in arrivals if is_good(arrival.status)][:1]])
