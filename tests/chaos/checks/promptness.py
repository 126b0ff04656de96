"""I12: a dead or slow endpoint never delays another endpoint's first attempt.

Invariant: neighbours excuse nothing; only a fault of what stands between the topic and the subscriber does, and only
for as long as it is felt.
"""

from datetime import timedelta

from chaos.checks.quiet import excused_until, holds_up_attempts
from chaos.checks.reading import by_id, once, published
from chaos.checks.scales import Scales
from chaos.evidence import Arrival, Evidence, Finding
from slotwire_contracts import public_topics

PROMPT = timedelta(seconds=5)
"""How soon behind the record a first attempt comes that no fault holds up: on a busy machine some fifty times the
p99 of a quiet one, and far less than what hanging neighbours would add up to."""

FELT = timedelta(seconds=20)
"""For how long a fault is felt after it has ended: a group's rebalance, and a lease that nobody keeps any more."""


def first_attempts_are_prompt(evidence: Evidence) -> Finding:
    """Check how soon healthy endpoints were asked, and how soon behind a fault that was in the way."""
    scales = Scales("I12")
    faults = [fault for fault in evidence.told.faults if holds_up_attempts(fault)]
    events = once(published(evidence, *(topic.name for topic in public_topics())))
    healthy = {one.id: one for one in evidence.told.subscribers if one.healthy}
    deliveries = by_id(evidence, "webhook_dispatcher.deliveries")
    for webhook_id, (arrival, event_id) in _first_attempts(evidence).items():
        subscriber, event, row = healthy.get(arrival.subscription_id), events.get(event_id), deliveries.get(webhook_id)
        if subscriber is not None and event is not None and row is not None:
            is_replayed = event.record.timestamp < subscriber.created_at  # it was taken in before
            since = row["created_at"] if is_replayed else event.record.timestamp
            due = excused_until(faults, since, since + PROMPT, FELT)
            scales.weigh(
                arrival.at <= due,
                "a healthy endpoint waited for its first attempt, and no fault was in the way",
                event_id=event_id,
                subscription_id=subscriber.id,
                since=since,
                arrived_at=arrival.at,
                due=due,
                seconds=(arrival.at - since).total_seconds(),
            )
    return scales.finding()


def _first_attempts(evidence: Evidence) -> dict[str, tuple[Arrival, str]]:
    """Tell what came first of each delivery, and of which event it was."""
    found: dict[str, tuple[Arrival, str]] = {}
    for one in sorted(evidence.told.arrivals, key=lambda arrival: arrival.at):
        found.setdefault(one.webhook_id, (one, str(one.event.get("eventId"))))
    return found
