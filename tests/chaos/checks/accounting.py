"""I4: every event x matching subscription ends as delivered, exhausted or discarded for a reason; the ledger proves it.

Invariant: what must be there is told by the topic and the subscribers of the run; what became of it by what came to
them.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from chaos.checks.ends import asked_to_end, weigh_ends
from chaos.checks.reading import Happening, by_id, once, published, rows, told_data
from chaos.checks.scales import Scales
from chaos.evidence import Answer, Evidence, Finding, Row, Subscriber
from slotwire_contracts import public_topics
from webhook_dispatcher.domain.events import expand


@dataclass(frozen=True)
class _Life:
    """From when on a subscription surely gets events, and from when on it may not."""

    since: datetime
    until: datetime | None


def every_delivery_is_accounted_for(evidence: Evidence) -> Finding:
    """Check that each pair has its delivery, that it ended truly, and that the ledger says so."""
    scales = Scales("I4")
    deliveries = _by_pair(evidence)
    events = once(published(evidence, *(topic.name for topic in public_topics())))
    _pairs_have_deliveries(scales, evidence, events, deliveries)
    _deliveries_are_wanted(scales, evidence, events, deliveries)
    weigh_ends(scales, evidence)
    _ledgers_agree(scales, evidence)
    return scales.finding()


def _by_pair(evidence: Evidence) -> dict[tuple[str, str], list[Row]]:
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows(evidence, "webhook_dispatcher.deliveries"):
        found[row["event_id"], row["subscription_id"]].append(row)
    return found


def _pairs_have_deliveries(
    scales: Scales,
    evidence: Evidence,
    events: Mapping[str, Happening],
    deliveries: Mapping[tuple[str, str], Sequence[Row]],
) -> None:
    taken = by_id(evidence, "webhook_dispatcher.events", "event_id")
    for subscriber in evidence.told.subscribers:
        life, wanted = _life(evidence, subscriber), expand(subscriber.events)
        for one in events.values():
            received = taken[one.id]["received_at"] if one.id in taken else None
            ended = life.until is not None and (received is None or received >= life.until)
            is_others = one.subject != subscriber.id  # its own end is told to the others
            if (
                one.org_id == subscriber.org_id
                and one.type in wanted
                and one.time > life.since
                and not ended
                and is_others
            ):
                there = deliveries.get((one.id, subscriber.id), ())
                scales.weigh(
                    len(there) == 1,
                    "an event and a subscription that wants it have not one delivery",
                    event_id=one.id,
                    subscription_id=subscriber.id,
                    deliveries=[row["id"] for row in there],
                )


def _life(evidence: Evidence, subscriber: Subscriber) -> _Life:
    """Tell when a subscription surely was: since its client knew of it, until somebody first asked to delete it."""
    made = [
        answer.ended_at
        for answer in evidence.told.answers
        if answer.method == "POST" and _made_id(answer) == subscriber.id
    ]
    asked = asked_to_end(evidence, subscriber.id, subscriber.org_id, "deleted")
    row = by_id(evidence, "webhook_dispatcher.subscriptions").get(subscriber.id)
    is_deleted = row is None or row["state"] == "deleted"
    ends = [*asked, *([subscriber.ended_at] if subscriber.ended_at is not None and is_deleted else [])]
    return _Life(max([subscriber.created_at, *made[:1]]), min(ends, default=None))


def _made_id(answer: Answer) -> str | None:
    one = told_data(answer).get("id")
    return one if isinstance(one, str) else None


def _deliveries_are_wanted(
    scales: Scales,
    evidence: Evidence,
    events: Mapping[str, Happening],
    deliveries: Mapping[tuple[str, str], Sequence[Row]],
) -> None:
    subscribers = {one.id: one for one in evidence.told.subscribers}
    for (event_id, subscription_id), found in deliveries.items():
        event, subscriber = events.get(event_id), subscribers.get(subscription_id)
        if subscriber is not None:
            scales.weigh(
                event is not None and event.org_id == subscriber.org_id and event.type in expand(subscriber.events),
                "a delivery is of an event that its subscription does not want",
                delivery_id=found[0]["id"],
                event_id=event_id,
                type=None if event is None else event.type,
                wanted=subscriber.events,
            )


def _ledgers_agree(scales: Scales, evidence: Evidence) -> None:
    states: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows(evidence, "webhook_dispatcher.deliveries"):
        states[row["org_id"]][row["state"]] += 1
    for org_id in evidence.told.org_ids:
        ledger, counted = evidence.stored.ledgers.get(org_id), states[org_id]
        expected = {
            "accepted": counted.total(),
            "delivered": counted["delivered"],
            "exhausted": counted["exhausted"],
            "discarded": counted["discarded"],
            "in_flight": 0,
            "unaccounted": 0,
        }
        scales.weigh(
            ledger is not None and {**ledger, "discarded": sum(ledger["discarded"].values())} == expected,
            "the ledger does not account for an organization's deliveries",
            org_id=org_id,
            ledger=ledger,
            expected=expected,
        )
