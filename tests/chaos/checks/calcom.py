"""The part of I3 that is about Cal.com: its news had their effect once, and bookings stand as they do there.

Invariant: what must be here is told by the topic and by Cal.com itself, never by what booking made of it.
"""

from collections import defaultdict
from collections.abc import Mapping

from chaos.checks.reading import Happening, by_id, by_subject, once, published, rows
from chaos.checks.scales import Scales
from chaos.evidence import Evidence, Row
from slotwire_contracts import BOOKING_EVENTS, CALCOM_BOOKINGS, CALCOM_RESULTS

_EFFECTS = frozenset({"created", "updated", "conflict"})
_TAKEN = _EFFECTS | {"unchanged"}
_OFF = frozenset({"cancelled", "rejected"})


def weigh_calcom(scales: Scales, evidence: Evidence) -> None:
    """Check that each snapshot was applied and answered once, and that what came of it is as it is at Cal.com."""
    _snapshots_are_applied_once(scales, evidence)
    _answers_are_noted(scales, evidence)
    _appointments_are_as_there(scales, evidence)


def _snapshots_are_applied_once(scales: Scales, evidence: Evidence) -> None:
    """Check that booking answered each snapshot once, and did just what its answer says."""
    answers = _caused(published(evidence, CALCOM_RESULTS.name))
    effects = _caused(published(evidence, BOOKING_EVENTS.name))
    snapshots = once(published(evidence, CALCOM_BOOKINGS.name))
    for event_id in snapshots:
        told, done = answers.get(event_id, []), effects.get(event_id, [])
        outcomes = [one.resource["outcome"] for one in told]
        scales.weigh(
            len(outcomes) == 1 and _agrees(outcomes[0], [one.type for one in done]),
            "a snapshot of Cal.com's was not applied once, as its answer says",
            observed=event_id,
            answers=[(one.id, one.resource["outcome"]) for one in told],
            effects=[(one.id, one.type) for one in done],
        )
    _bookings_follow_their_chains(scales, evidence, snapshots, answers)


def _agrees(outcome: str, effects: list[str]) -> bool:
    """Tell whether these events are what an outcome brings about; a booking in conflict may be new or not."""
    created = effects.count("reservation.created")
    return bool(effects) == (outcome in _EFFECTS) and created in {"created": {1}, "conflict": {0, 1}}.get(outcome, {0})


def _caused(happenings: list[Happening]) -> dict[str, list[Happening]]:
    found: dict[str, list[Happening]] = defaultdict(list)
    for one in once(happenings).values():
        if (cause := one.event.get("causationid")) is not None:
            found[cause].append(one)
    return found


def _bookings_follow_their_chains(
    scales: Scales, evidence: Evidence, snapshots: Mapping[str, Happening], answers: Mapping[str, list[Happening]]
) -> None:
    bookings, chains = by_id(evidence, "booking.bookings"), by_subject(snapshots.values())
    for row in rows(evidence, "booking.external_bookings"):
        seen = chains.get((row["org_id"], row["chain_id"]), [])
        scales.weigh(
            len(seen) == row["sequence"],
            "booking is not at the last snapshot of a chain",
            chain_id=row["chain_id"],
            applied=row["sequence"],
            published=len(seen),
        )
        taken = [one for one in seen for answer in answers.get(one.id, ()) if answer.resource["outcome"] in _TAKEN]
        booking = bookings.get(row["booking_id"])
        scales.weigh(
            (booking is None) == (not taken)
            and (booking is None or booking["external_uid"] == taken[-1].resource["uid"]),
            "a chain's booking is not that of the last snapshot that was taken over",
            chain_id=row["chain_id"],
            has=None if booking is None else booking["external_uid"],
            taken=[one.id for one in taken],
        )


def _answers_are_noted(scales: Scales, evidence: Evidence) -> None:
    items = {row["event_id"]: row for row in rows(evidence, "calcom_sync.run_items")}
    for one in once(published(evidence, CALCOM_RESULTS.name)).values():
        item = items.get(one.event["causationid"])
        if item is not None:
            scales.weigh(
                item["outcome"] == one.resource["outcome"],
                "a run did not note what booking answered",
                answer=one.id,
                answered=one.resource["outcome"],
                noted=item["outcome"],
            )


def _appointments_are_as_there(scales: Scales, evidence: Evidence) -> None:
    """Check that each appointment stands here as it does at Cal.com, once all of it was read."""
    bookings = by_id(evidence, "booking.bookings")
    chains = {(row["org_id"], row["chain_id"]): row for row in rows(evidence, "booking.external_bookings")}
    for uid, there in evidence.stored.calcom.items():
        chain = chains.get((there["org_id"], there["chain_id"]))
        booking = None if chain is None else bookings.get(chain["booking_id"])
        scales.weigh(
            _is_as_there(booking, uid, there),
            "an appointment does not stand here as it does at Cal.com",
            uid=uid,
            there=there,
            here=booking,
        )


def _is_as_there(booking: Row | None, uid: str, there: Row) -> bool:
    """Compare what does not change with the hour; of an appointment that was deleted there, nothing can be read."""
    is_off = there["is_deleted"] or there["status"] in _OFF
    if booking is None:
        return bool(is_off)
    times = (booking["start_time"], booking["end_time"]) == (there["start"], there["end"])
    is_same = times and booking["external_uid"] == uid
    return (booking["status"] == "CANCELLED") == is_off and (is_same or bool(there["is_deleted"]))
