"""I2: every outbox row is published at least once, in order per key.

Invariant: what must be on a topic is told by the tables that were written with the event, never by the topic itself.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from chaos.checks.ordering import weigh_order
from chaos.checks.reading import Happening, by_subject, event_of, once, published, rows
from chaos.checks.scales import Scales
from chaos.evidence import Evidence, Finding, Row
from slotwire_contracts import CATALOG

_DATABASES = ("booking", "waitlist", "webhook_dispatcher", "calcom_sync")


@dataclass(frozen=True)
class Counting:
    """A table whose rows count the events that are told of them."""

    table: str
    subject: str = "id"
    count: str = "sequence"
    last: str = "last_event_id"
    families: tuple[str, ...] = ()


_COUNTING = (
    Counting("booking.bookings", families=("reservation.",)),
    Counting("booking.event_instances", families=("event_instance.",)),
    Counting("booking.locations", families=("location.",)),
    Counting("booking.tables", families=("table.",)),
    Counting("waitlist.entries", families=("waitlist_entry.",)),
    Counting("webhook_dispatcher.subscriptions", families=("webhook_subscription.",)),
    Counting("calcom_sync.chains", subject="chain_id", families=("calcom_booking.observed",)),
    Counting(
        "booking.external_bookings",
        subject="chain_id",
        count="answers",
        last="last_answer_id",
        families=("calcom_booking.applied",),
    ),
)


def all_is_published_in_order(evidence: Evidence) -> Finding:
    """Check that what the tables count is on its topic, in order, and that nothing waits to be published."""
    scales = Scales("I2")
    happenings = published(evidence)
    _nothing_waits(scales, evidence)
    _history_is_published(scales, evidence, once(happenings))
    _counts_are_published(scales, evidence, happenings)
    _keys_are_in_order(scales, happenings)
    weigh_order(scales, evidence)
    return scales.finding()


def _nothing_waits(scales: Scales, evidence: Evidence) -> None:
    for table in (f"{database}.{name}" for database in _DATABASES for name in ("outbox", "outbox_set_aside")):
        for row in _own(evidence, table):
            scales.weigh(False, "an event was never published", table=table, event_id=row["event_id"])  # noqa: FBT003


def _own(evidence: Evidence, table: str) -> Iterator[Row]:
    for row in rows(evidence, table):
        event = event_of(row["value"])
        if event is None or event["orgid"] in evidence.told.org_ids:
            yield row


def _history_is_published(scales: Scales, evidence: Evidence, events: dict[str, Happening]) -> None:
    for row in rows(evidence, "booking.history"):
        there = events.get(row["event_id"])
        scales.weigh(
            there is not None and there.record.topic == CATALOG[row["type"]].topic.name,
            "an event of the history is not on its topic",
            event_id=row["event_id"],
            booking_id=row["booking_id"],
            type=row["type"],
        )


def _counts_are_published(scales: Scales, evidence: Evidence, happenings: list[Happening]) -> None:
    for counting in _COUNTING:
        told = [one for one in happenings if one.type.startswith(counting.families)]
        numbered = by_subject(told)
        for row in rows(evidence, counting.table):
            there = numbered.get((row["org_id"], row[counting.subject]), [])
            scales.weigh(
                [one.sequence for one in there] == list(range(1, row[counting.count] + 1))
                and (not there or there[-1].id == row[counting.last]),
                "a topic does not have all that was told of something, each number once",
                table=counting.table,
                subject=row[counting.subject],
                counted=row[counting.count],
                last=row[counting.last],
                published=[(one.sequence, one.id) for one in there],
            )


def _keys_are_in_order(scales: Scales, happenings: list[Happening]) -> None:
    values: dict[str, tuple[bytes | None, bytes | None]] = {}
    last: dict[tuple[str, str, str], int] = defaultdict(int)
    partitions: dict[tuple[str, str], int] = {}
    for one in happenings:
        record = one.record
        partition = partitions.setdefault((record.topic, one.subject), record.partition)
        scales.weigh(
            record.partition == partition and record.key == one.subject.encode(),
            "one resource's events have another key, or lie in more than one partition",
            event_id=one.id,
            key=record.key,
            partitions=(partition, record.partition),
        )
        if one.id in values:
            scales.weigh(values[one.id] == (record.key, record.value), "an event was published as two", event_id=one.id)
            continue
        values[one.id] = record.key, record.value
        counter = record.topic, one.org_id, one.subject
        scales.weigh(
            one.sequence == last[counter] + 1,
            "events of one key are not in the order of their numbers",
            event_id=one.id,
            subject=one.subject,
            before=last[counter],
            sequence=one.sequence,
            offset=record.offset,
        )
        last[counter] = one.sequence
