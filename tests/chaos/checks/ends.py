"""The part of I4 that is about how deliveries end: delivered, exhausted or discarded, and truly so.

Invariant: an end is held against what came to the subscriber and what was asked for, not against itself.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from chaos.checks.quiet import fault_between, loses_answers
from chaos.checks.reading import grouped, is_good, rows
from chaos.checks.scales import Scales
from chaos.evidence import Arrival, Evidence, Row
from webhook_dispatcher.domain.retry import DEFAULT

_GONE = 410
_EXCHANGE = timedelta(seconds=5)
"""How close a fault must be to a 2xx that it may have lost, or whose noting it may have."""

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
    made = grouped(rows(evidence, "webhook_dispatcher.attempts"), "delivery_id")
    known = {one.id for one in evidence.told.subscribers}
    retry = {row["id"]: row["retry"] for row in rows(evidence, "webhook_dispatcher.subscriptions")}
    for row in rows(evidence, "webhook_dispatcher.deliveries"):
        attempts = sorted(made.get(row["id"], ()), key=lambda one: int(one["number"]))
        _attempts_agree(scales, row, attempts)
        if row["state"] == "exhausted":
            _is_given_up_at_last(scales, row, retry.get(row["subscription_id"]))
        if row["subscription_id"] in known:
            came = arrivals.get(row["id"], ())
            _end_is_true(scales, evidence, row, attempts, came)
            _attempts_came(scales, row, attempts, came)


def _attempts_agree(scales: Scales, row: Row, attempts: Sequence[Row]) -> None:
    """Check that attempts are numbered without a gap, and that the last one took the delivery, or none did.

    What was taken and then asked to be sent again may have been taken before.
    """
    taken = [one["number"] for one in attempts if is_good(one["status"])]
    ends = [row["attempts"]] if row["state"] == "delivered" else []
    scales.weigh(
        [one["number"] for one in attempts] == list(range(1, row["attempts"] + 1))
        and (taken[len(taken) - len(ends) :] == ends if row["round"] else taken == ends),
        "a delivery's attempts contradict it",
        delivery_id=row["id"],
        state=row["state"],
        counted=row["attempts"],
        attempts=[(one["number"], one["status"]) for one in attempts],
    )


def _is_given_up_at_last(scales: Scales, row: Row, retry: Sequence[float] | None) -> None:
    """Check that what is given up was tried as often as its subscription says, since it was opened last."""
    due = 1 + len(DEFAULT.pauses if retry is None else retry)
    scales.weigh(
        row["attempts"] - row["earlier_attempts"] >= due,
        "a delivery was given up before its last attempt",
        delivery_id=row["id"],
        attempts=row["attempts"],
        in_earlier_rounds=row["earlier_attempts"],
        due=due,
    )


def _attempts_came(scales: Scales, row: Row, attempts: Sequence[Row], came: Sequence[Arrival]) -> None:
    answered = Counter(one["status"] for one in attempts if one["status"] is not None)
    seen = Counter(one.status for one in came)
    scales.weigh(
        answered <= seen,
        "attempts were answered that never came",
        delivery_id=row["id"],
        answered=answered,
        came=seen,
    )


def _end_is_true(
    scales: Scales, evidence: Evidence, row: Row, attempts: Sequence[Row], came: Sequence[Arrival]
) -> None:
    accepted = [one for one in came if is_good(one.status)]
    noted = sum(is_good(one["status"]) for one in attempts)
    scales.weigh(
        _is_true(evidence, row, accepted, noted),
        f"a delivery is {row['state']}, which is not what happened",
        delivery_id=row["id"],
        subscription_id=row["subscription_id"],
        reason=row["reason"],
        settled_at=row["settled_at"],
        came=[(one.at, one.status) for one in came],
    )


def _is_true(evidence: Evidence, row: Row, accepted: Sequence[Arrival], noted: int) -> bool:
    match row["state"]:
        case "delivered":
            return bool(accepted)
        case "exhausted":  # which one that was taken in an earlier round may be, too
            faults = [fault for fault in evidence.told.faults if loses_answers(fault)]
            lost = [one for one in accepted if fault_between(faults, one.at, one.at + _EXCHANGE, _EXCHANGE)]
            return len(accepted) - len(lost) <= noted
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
