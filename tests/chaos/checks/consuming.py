"""I3: a consumer's effect and its inbox row commit together, before the offset.

So behind a run each record has had its effect once: what claims it, what it brought about and the offset agree.
"""

from collections import defaultdict
from collections.abc import Mapping

from booking.consumer import GROUP as BOOKING
from calcom_sync.consumer import GROUP as CALCOM_SYNC
from chaos.checks.reading import Happening, by_id, by_subject, event_of, grouped, once, published, rows
from chaos.checks.scales import Scales
from chaos.evidence import Evidence, Finding, Row
from slotwire_contracts import BOOKING_EVENTS, CALCOM_BOOKINGS, CALCOM_RESULTS, WEBHOOK_ATTEMPTS, public_topics
from waitlist.stream import GROUP as WAITLIST
from webhook_dispatcher.consumer import GROUP as DISPATCHER
from webhook_dispatcher.stream import GROUP as HEALTH

GROUPS: Mapping[str, tuple[str, ...]] = {
    DISPATCHER: tuple(topic.name for topic in public_topics()),
    BOOKING: (CALCOM_BOOKINGS.name,),
    CALCOM_SYNC: (CALCOM_RESULTS.name,),
    WAITLIST: (BOOKING_EVENTS.name,),
    HEALTH: (WEBHOOK_ATTEMPTS.name,),
}
"""Who reads what, by consumer group."""

_EFFECTS = frozenset({"created", "updated", "conflict"})
_TAKEN = _EFFECTS | {"unchanged"}
_OFF = frozenset({"cancelled", "rejected"})
_INBOXES = (("booking.inbox", CALCOM_BOOKINGS.name), ("calcom_sync.inbox", CALCOM_RESULTS.name))


def effects_commit_with_their_claims(evidence: Evidence) -> Finding:
    """Check that every record was claimed, had its effect once, and that the offsets are at the log's end."""
    scales = Scales("I3")
    _offsets_are_at_the_end(scales, evidence)
    _dispatcher_has_taken_each_in(scales, evidence)
    for table, topic in _INBOXES:
        _claims_agree(scales, evidence, table, topic)
    _snapshots_are_applied_once(scales, evidence)
    _answers_are_noted(scales, evidence)
    _calcom_is_as_it_is_there(scales, evidence)
    _marks_are_looked_at(scales, evidence)
    return scales.finding()


def _offsets_are_at_the_end(scales: Scales, evidence: Evidence) -> None:
    ends: dict[tuple[str, int], int] = defaultdict(int)
    for record in evidence.stored.records:
        ends[record.topic, record.partition] = max(ends[record.topic, record.partition], record.offset + 1)
    for group, topics in GROUPS.items():
        for (topic, partition), end in ends.items():
            if topic in topics:
                committed = evidence.stored.committed.get((group, topic, partition), 0)
                scales.weigh(
                    committed == end,
                    "a group's offset is not at the log's end",
                    group=group,
                    topic=topic,
                    partition=partition,
                    committed=committed,
                    end=end,
                )


def _places(happenings: list[Happening]) -> dict[str, dict[tuple[str, int, int], bytes | None]]:
    """Tell where each event stands, and what stands there."""
    found: dict[str, dict[tuple[str, int, int], bytes | None]] = defaultdict(dict)
    for one in happenings:
        found[one.id][one.record.topic, one.record.partition, one.record.offset] = one.record.value
    return found


def _dispatcher_has_taken_each_in(scales: Scales, evidence: Evidence) -> None:
    taken = grouped(rows(evidence, "webhook_dispatcher.events"), "event_id")
    deliveries = grouped(rows(evidence, "webhook_dispatcher.deliveries"), "event_id")
    _claimed(scales, published(evidence, *GROUPS[DISPATCHER]), taken, "webhook_dispatcher.events")
    for event_id, (row, *_) in taken.items():
        scales.weigh(
            row["matched"] == len(deliveries.get(event_id, ())),
            "an event's deliveries are not those that were written with its claim",
            event_id=event_id,
            matched=row["matched"],
            deliveries=[one["id"] for one in deliveries.get(event_id, ())],
        )
    for row in rows(evidence, "webhook_dispatcher.gaps"):
        scales.weigh(row["first"] >= row["next"], "records were passed over without a trace", **row)


def _claims_agree(scales: Scales, evidence: Evidence, table: str, topic: str) -> None:
    claimed: dict[str, list[Row]] = defaultdict(list)
    for row in rows(evidence, table):
        event = event_of(row["record"])
        if event is not None and event["orgid"] in evidence.told.org_ids:
            claimed[row["event_id"]].append(row)
    _claimed(scales, published(evidence, topic), claimed, table)


def _claimed(scales: Scales, happenings: list[Happening], claimed: Mapping[str, list[Row]], table: str) -> None:
    """Check that each event on a topic is claimed once, as one of its records, and nothing else is."""
    places = _places(happenings)
    for event_id in places.keys() | claimed.keys():
        found = claimed.get(event_id, [])
        at = [((row["topic"], row["partition"], row["position"]), row["record"]) for row in found]
        scales.weigh(
            len(at) == 1 and at[0] in places.get(event_id, {}).items(),
            "an event is not claimed once, as it stands on its topic",
            table=table,
            event_id=event_id,
            claimed=[place for place, _ in at],
            published=list(places.get(event_id, {})),
        )


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


def _calcom_is_as_it_is_there(scales: Scales, evidence: Evidence) -> None:
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


def _marks_are_looked_at(scales: Scales, evidence: Evidence) -> None:
    """Check that no queue is owed a look since the load was on."""
    for row in rows(evidence, "waitlist.queues"):
        scales.weigh(
            min(row["due_at"], row["marked_at"]) >= evidence.told.ended_at,
            "a queue was marked and never looked at",
            queue=row["queue"],
            due_at=row["due_at"],
            marked_at=row["marked_at"],
        )
