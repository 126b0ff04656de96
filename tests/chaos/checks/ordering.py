"""The part of I2 that is about subscribers who want a resource's order kept, which reaches as far as their endpoints.

Invariant: the order is that of the numbers on the topic; whether an event was taken is what the endpoint answered.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from chaos.checks.reading import Happening, by_subject, is_good, published
from chaos.checks.scales import Scales
from chaos.evidence import Arrival, Evidence, Subscriber
from slotwire_contracts import public_topics

_Came = Mapping[str, Sequence[Arrival]]
"""What came to one subscriber, by event."""


def weigh_order(scales: Scales, evidence: Evidence) -> None:
    """Check that no event came to such a subscriber before an earlier one of its resource had been taken."""
    happenings = by_subject(published(evidence, *(topic.name for topic in public_topics())))
    for subscriber in evidence.told.subscribers:
        if subscriber.ordered:
            came = _came(evidence, subscriber)
            for some in happenings.values():
                _weigh(scales, subscriber, [one for one in some if one.time > subscriber.created_at], came)


def _came(evidence: Evidence, subscriber: Subscriber) -> _Came:
    found: dict[str, list[Arrival]] = defaultdict(list)
    for one in sorted(evidence.told.arrivals, key=lambda arrival: arrival.at):
        if one.subscription_id == subscriber.id:
            found[str(one.event.get("eventId"))].append(one)
    return found


def _weigh(scales: Scales, subscriber: Subscriber, some: Sequence[Happening], came: _Came) -> None:
    for before, taken_at, after, first_at in _pairs(some, came):
        scales.weigh(
            taken_at <= first_at,
            "an event came to a subscriber who wants the order kept before an earlier one had been taken",
            subscription_id=subscriber.id,
            subject=after.subject,
            earlier=before.id,
            taken_at=taken_at,
            later=after.id,
            first_came_at=first_at,
        )


def _pairs(some: Sequence[Happening], came: _Came) -> Iterator[tuple[Happening, datetime, Happening, datetime]]:
    """Go through a resource's events that came: the earlier one that was taken last, and when; this one, and when."""
    last: tuple[datetime, Happening] | None = None
    for one in some:
        arrivals = came.get(one.id, ())
        if arrivals and last is not None:
            yield last[1], last[0], one, arrivals[0].at
        taken_at = next((arrival.at for arrival in arrivals if is_good(arrival.status)), None)
        if taken_at is not None and (last is None or taken_at > last[0]):
            last = taken_at, one
