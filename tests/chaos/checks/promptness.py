"""I12: a dead or slow endpoint never delays another endpoint's first attempt.

Invariant: neighbours excuse nothing; only a fault of what stands between the topic and the subscriber does, and only
for as long as it is felt.
"""

from datetime import datetime, timedelta

from chaos.checks.quiet import excused_until, holds_up_attempts
from chaos.checks.reading import once, published
from chaos.checks.scales import Scales
from chaos.evidence import Evidence, Finding
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
    healthy = {one.id for one in evidence.told.subscribers if one.healthy}
    for (event_id, subscription_id), at in _first_attempts(evidence).items():
        if subscription_id in healthy and event_id in events:
            published_at = events[event_id].record.timestamp
            due = excused_until(faults, published_at, published_at + PROMPT, FELT)
            scales.weigh(
                at <= due,
                "a healthy endpoint waited for its first attempt, and no fault was in the way",
                event_id=event_id,
                subscription_id=subscription_id,
                published_at=published_at,
                arrived_at=at,
                due=due,
                seconds=(at - published_at).total_seconds(),
            )
    return scales.finding()


def _first_attempts(evidence: Evidence) -> dict[tuple[str, str], datetime]:
    found: dict[tuple[str, str], datetime] = {}
    for one in evidence.told.arrivals:
        pair = str(one.event.get("eventId")), one.subscription_id
        found[pair] = min(found.get(pair, one.at), one.at)
    return found
