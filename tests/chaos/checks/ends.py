"""The part of I4 that is about how deliveries end: delivered, exhausted or discarded, and truly so.

Invariant: an end is held against what came to the subscriber and what was asked for, not against itself.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from chaos.checks.quiet import fault_between, loses_answers
from chaos.checks.reading import grouped, rows
from chaos.checks.scales import Scales
from chaos.evidence import Arrival, Evidence, Row

_GONE = 410
_EXCHANGE = timedelta(seconds=30)
"""How long after a 2xx its loss on the way back may still be felt: the deadline of an exchange."""

_Arrivals = Mapping[str, Sequence[Arrival]]
"""What came, by its `webhook-id`."""


def asked_to_end(evidence: Evidence, subscription_id: str, org_id: str, reason: str) -> list[datetime]:
    """Tell when its own organization asked to end a subscription."""
    path = f"/api/v1/webhooks/subscriptions/{subscription_id}"
    asked = {"deleted": ("DELETE", path), "disabled": ("POST", f"{path}/disable")}[reason]
    own = [one for one in evidence.told.answers if one.org_id == org_id]
    return [one.sent_at for one in own if (one.method, one.path) == asked]


def weigh_ends(scales: Scales, evidence: Evidence) -> None:
    """Check that what is kept of each delivery is what happened to it."""
    arrivals: dict[str, list[Arrival]] = defaultdict(list)
    for arrival in evidence.told.arrivals:
        arrivals[arrival.webhook_id].append(arrival)
    _ends_are_true(scales, evidence, arrivals)
    _attempts_agree(scales, evidence, arrivals)


def _ends_are_true(scales: Scales, evidence: Evidence, arrivals: _Arrivals) -> None:
    known = {one.id for one in evidence.told.subscribers}
    for row in rows(evidence, "webhook_dispatcher.deliveries"):
        if row["subscription_id"] in known:
            came = arrivals.get(row["id"], ())
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
    ends = asked_to_end(evidence, row["subscription_id"], row["org_id"], row["reason"])
    of_run = [one for one in evidence.told.subscribers if one.id == row["subscription_id"]]
    ends += [one.ended_at for one in of_run if one.ended_at is not None]
    if row["reason"] == "disabled":
        gone = [one for one in evidence.told.arrivals if one.status == _GONE]
        ends += [one.at for one in gone if one.subscription_id == row["subscription_id"]]
    return any(ended <= row["settled_at"] for ended in ends)


def _attempts_agree(scales: Scales, evidence: Evidence, arrivals: _Arrivals) -> None:
    """Check that attempts are numbered without a gap, came, and that the last one took the delivery, or none did."""
    known = {one.id for one in evidence.told.subscribers}
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
        if row["subscription_id"] in known:
            came = Counter(one.status for one in arrivals.get(row["id"], ()))
            answered = Counter(one["status"] for one in attempts if one["status"] is not None)
            scales.weigh(
                answered <= came,
                "attempts were answered that never came",
                delivery_id=row["id"],
                answered=answered,
                came=came,
            )
