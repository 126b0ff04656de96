"""I4: every event x matching subscription ends as delivered, exhausted or discarded for a reason; the ledger proves it.

Invariant: what must be there is told by the topic and the subscribers of the run; what became of it by what came to
them.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chaos.checks.quiet import fault_between, loses_answers
from chaos.checks.reading import Happening, by_id, grouped, once, published, rows, told_data
from chaos.checks.scales import Scales
from chaos.evidence import Answer, Arrival, Evidence, Finding, Row, Subscriber
from slotwire_contracts import public_topics
from webhook_dispatcher.domain.events import expand

_GONE = 410
_EXCHANGE = timedelta(seconds=30)
"""How long after a 2xx its loss on the way back may still be felt: the deadline of an exchange."""


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
    _ends_are_true(scales, evidence)
    _attempts_agree(scales, evidence)
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
    asked = _asked(evidence, subscriber.id, subscriber.org_id, "deleted")
    row = by_id(evidence, "webhook_dispatcher.subscriptions").get(subscriber.id)
    is_deleted = row is None or row["state"] == "deleted"
    ends = [*asked, *([subscriber.ended_at] if subscriber.ended_at is not None and is_deleted else [])]
    return _Life(max([subscriber.created_at, *made[:1]]), min(ends, default=None))


def _made_id(answer: Answer) -> str | None:
    one = told_data(answer).get("id")
    return one if isinstance(one, str) else None


def _asked(evidence: Evidence, subscription_id: str, org_id: str, reason: str) -> list[datetime]:
    """Tell when its own organization asked to end a subscription."""
    path = f"/api/v1/webhooks/subscriptions/{subscription_id}"
    asked = {"deleted": ("DELETE", path), "disabled": ("POST", f"{path}/disable")}[reason]
    own = [one for one in evidence.told.answers if one.org_id == org_id]
    return [one.sent_at for one in own if (one.method, one.path) == asked]


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


def _ends_are_true(scales: Scales, evidence: Evidence) -> None:
    arrivals: dict[str, list[Arrival]] = defaultdict(list)
    for arrival in evidence.told.arrivals:
        arrivals[arrival.webhook_id].append(arrival)
    known = {one.id for one in evidence.told.subscribers}
    for row in rows(evidence, "webhook_dispatcher.deliveries"):
        if row["subscription_id"] in known:
            came = arrivals.get(row["id"], [])
            scales.weigh(
                _is_true(evidence, row, [one for one in came if 200 <= one.status < 300]),
                f"a delivery is {row['state']}, which is not what happened",
                delivery_id=row["id"],
                subscription_id=row["subscription_id"],
                reason=row["reason"],
                settled_at=row["settled_at"],
                came=[(one.at, one.status) for one in came],
            )


def _is_true(evidence: Evidence, row: Row, accepted: Sequence[Arrival]) -> bool:
    match row["state"]:
        case "delivered":
            return bool(accepted)
        case "exhausted":
            faults = [fault for fault in evidence.told.faults if loses_answers(fault)]
            return all(fault_between(faults, one.at, one.at + _EXCHANGE, _EXCHANGE) for one in accepted)
        case "discarded":
            return _is_explained(evidence, row)
        case _:
            return False


def _is_explained(evidence: Evidence, row: Row) -> bool:
    """Tell whether the run knows why a delivery was discarded: its subscription had been ended by then."""
    ends = _asked(evidence, row["subscription_id"], row["org_id"], row["reason"])
    of_run = [one for one in evidence.told.subscribers if one.id == row["subscription_id"]]
    ends += [one.ended_at for one in of_run if one.ended_at is not None]
    if row["reason"] == "disabled":
        gone = [one for one in evidence.told.arrivals if one.status == _GONE]
        ends += [one.at for one in gone if one.subscription_id == row["subscription_id"]]
    return any(ended <= row["settled_at"] for ended in ends)


def _attempts_agree(scales: Scales, evidence: Evidence) -> None:
    """Check that attempts are numbered without a gap, and that the last one took the delivery, or none did."""
    made = grouped(rows(evidence, "webhook_dispatcher.attempts"), "delivery_id")
    for row in rows(evidence, "webhook_dispatcher.deliveries"):
        attempts = sorted(made.get(row["id"], ()), key=lambda one: int(one["number"]))
        taken = [one["number"] for one in attempts if one["status"] is not None and 200 <= one["status"] < 300]
        scales.weigh(
            [one["number"] for one in attempts] == list(range(1, row["attempts"] + 1))
            and taken == ([row["attempts"]] if row["state"] == "delivered" else []),
            "a delivery's attempts contradict it",
            delivery_id=row["id"],
            state=row["state"],
            counted=row["attempts"],
            attempts=[(one["number"], one["status"]) for one in attempts],
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
