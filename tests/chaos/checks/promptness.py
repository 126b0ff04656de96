"""I12: a dead or slow endpoint never delays another endpoint's first attempt.

Two ways are looked at: from the topic to the subscriber, and that part of it that begins when the delivery is kept. On
the second one the dispatcher's own queues are, where neighbours would be in the way, and fewer faults.

Invariant: neighbours excuse nothing; only a fault of what stands on the way does, and only for as long as it is felt.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chaos.checks.quiet import FELT, FELT_BY_WORKERS, excused_until, holds_up_events, holds_up_workers
from chaos.checks.reading import by_id, once, published
from chaos.checks.scales import Scales
from chaos.evidence import Arrival, Evidence, Fault, Finding
from slotwire_contracts import public_topics

PROMPT = timedelta(seconds=5)
"""How soon behind the record a first attempt comes that no fault holds up: on a busy machine some fifty times the
p99 of a quiet one, and far less than what hanging neighbours would add up to."""

_EACH = timedelta(milliseconds=10)
"""How much later one comes for each delivery that was kept with it: a backlog is sent one by one. It is some ten times
what sending one takes, and next to nothing of what waiting for a hanging neighbour does."""


@dataclass(frozen=True)
class _Stretch:
    """A stretch of the way to a subscriber.

    Attributes:
        what: what is wrong if it took too long.
        faults: those that may have held up whoever was on it.
        felt: for how long they are.
    """

    what: str
    faults: Sequence[Fault]
    felt: timedelta

    def weigh(self, scales: Scales, since: datetime, arrival: Arrival, backlog: int = 0) -> None:
        """Hold a first attempt against the promise; of one that came late and is excused nothing can be said.

        Args:
            scales: where it is held.
            since: from when on it was on this stretch.
            arrival: the attempt.
            backlog: how many came on this stretch with it.
        """
        soon = since + PROMPT + backlog * _EACH
        due = excused_until(self.faults, since, soon, self.felt)
        if soon < arrival.at <= due:
            return
        scales.weigh(
            arrival.at <= due,
            self.what,
            webhook_id=arrival.webhook_id,
            event_id=arrival.event.get("eventId"),
            subscription_id=arrival.subscription_id,
            since=since,
            arrived_at=arrival.at,
            due=due,
            seconds=(arrival.at - since).total_seconds(),
        )


def first_attempts_are_prompt(evidence: Evidence) -> Finding:
    """Check how soon healthy endpoints were asked, and how soon behind a fault that was in the way."""
    scales = Scales("I12")
    whole, kept = _stretches(evidence.told.faults)
    events = once(published(evidence, *(topic.name for topic in public_topics())))
    healthy = {one.id: one for one in evidence.told.subscribers if one.healthy}
    deliveries = by_id(evidence, "webhook_dispatcher.deliveries")
    births = sorted(row["created_at"] for row in deliveries.values())
    for webhook_id, (arrival, event_id) in _first_attempts(evidence).items():
        subscriber, event, row = healthy.get(arrival.subscription_id), events.get(event_id), deliveries.get(webhook_id)
        if subscriber is not None and event is not None and row is not None:
            if event.record.timestamp >= subscriber.created_at:  # else it was replayed: it had been taken in before
                whole.weigh(scales, event.record.timestamp, arrival)
            kept.weigh(scales, row["created_at"], arrival, _backlog(births, row["created_at"]))
    return scales.finding()


def _backlog(births: Sequence[datetime], at: datetime) -> int:
    """Tell how many deliveries were kept when one was, or shortly before."""
    return bisect_right(births, at) - bisect_left(births, at - PROMPT)


def _stretches(faults: Sequence[Fault]) -> tuple[_Stretch, _Stretch]:
    """Tell of the whole way, and of that part of it on which a delivery is kept."""
    return (
        _Stretch(
            "a healthy endpoint waited for its first attempt, and no fault was in the way",
            [fault for fault in faults if holds_up_events(fault)],
            FELT,
        ),
        _Stretch(
            "a delivery to a healthy endpoint was kept, and waited for its first attempt with no fault in the way",
            [fault for fault in faults if holds_up_workers(fault)],
            FELT_BY_WORKERS,
        ),
    )


def _first_attempts(evidence: Evidence) -> dict[str, tuple[Arrival, str]]:
    """Tell what came first of each delivery, and of which event it was."""
    found: dict[str, tuple[Arrival, str]] = {}
    for one in sorted(evidence.told.arrivals, key=lambda arrival: arrival.at):
        found.setdefault(one.webhook_id, (one, str(one.event.get("eventId"))))
    return found
