"""I3: a consumer's effect and its inbox row commit together, before the offset.

So behind a run each record has had its effect once: what claims it, what it brought about and the offset agree.
"""

from collections import defaultdict
from collections.abc import Mapping

from chaos.checks.calcom import weigh_calcom
from chaos.checks.reading import Happening, by_id, event_of, grouped, published, rows
from chaos.checks.scales import Scales
from chaos.evidence import Evidence, Finding, Row
from chaos.groups import GROUPS
from slotwire_contracts import CALCOM_BOOKINGS, CALCOM_RESULTS, WEBHOOK_ATTEMPTS
from webhook_dispatcher.consumer import GROUP as DISPATCHER

_INBOXES = (("booking.inbox", CALCOM_BOOKINGS.name), ("calcom_sync.inbox", CALCOM_RESULTS.name))


def effects_commit_with_their_claims(evidence: Evidence) -> Finding:
    """Check that every record was claimed, had its effect once, and that the offsets are at the log's end."""
    scales = Scales("I3")
    _offsets_are_at_the_end(scales, evidence)
    _dispatcher_has_taken_each_in(scales, evidence)
    for table, topic in _INBOXES:
        _claims_agree(scales, evidence, table, topic)
    _health_is_counted(scales, evidence)
    weigh_calcom(scales, evidence)
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


def _health_is_counted(scales: Scales, evidence: Evidence) -> None:
    """Check that what is made of attempts is made of all of them."""
    last = {one.key: one.offset for one in evidence.stored.records if one.topic == WEBHOOK_ATTEMPTS.name}
    health = by_id(evidence, "webhook_dispatcher.endpoint_health", "subscription_id")
    for subscription in rows(evidence, "webhook_dispatcher.subscriptions"):
        end = last.get(subscription["id"].encode())
        if end is not None and subscription["state"] != "deleted":
            row = health.get(subscription["id"])
            scales.weigh(
                row is not None and row["position"] == end,
                "an endpoint's health is not made of all of its attempts",
                subscription_id=subscription["id"],
                last=end,
                health=row,
            )


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
