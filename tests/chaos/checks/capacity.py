"""I7: an event instance never holds more people than its capacity.

Invariant: as for I6, both the tables in the end and every instant before are looked at.
"""

from collections.abc import Iterator

from booking.domain.status import COUNTED
from chaos.checks.crowding import crowds
from chaos.checks.reading import changes, grouped, published, rows, strings, told_data
from chaos.checks.scales import Scales
from chaos.evidence import Evidence, Finding, Row
from slotwire_contracts import BOOKING_EVENTS


def no_instance_is_overfull(evidence: Evidence) -> Finding:
    """Check that spots are counted truly, are those of the bookings, and never were too many."""
    scales = Scales("I7")
    instances = rows(evidence, "booking.event_instances")
    spots = grouped(rows(evidence, "booking.spots"), "instance_id")
    for instance in instances:
        taken = sum(row["spots"] for row in spots.get(instance["id"], ()))
        scales.weigh(
            taken == instance["attendance"] <= instance["max_attendance"],
            "an event instance does not hold as many as it counts, or more than it may",
            instance_id=instance["id"],
            taken=taken,
            attendance=instance["attendance"],
            max_attendance=instance["max_attendance"],
        )
    _bookings_have_their_spots(scales, evidence, {row["booking_id"]: row for some in spots.values() for row in some})
    _nobody_was_too_many(scales, evidence, instances)
    return scales.finding()


def _bookings_have_their_spots(scales: Scales, evidence: Evidence, spots: dict[str | None, Row]) -> None:
    for booking in rows(evidence, "booking.bookings"):
        if booking["event_instance_id"] is not None:
            row = spots.get(booking["id"])
            expected = booking["party_size"] if booking["status"] in COUNTED else 0
            found = row["spots"] if row is not None and row["instance_id"] == booking["event_instance_id"] else 0
            scales.weigh(
                found == expected,
                "a booking has not the spots of its party",
                booking_id=booking["id"],
                status=booking["status"],
                party_size=booking["party_size"],
                spots=row,
            )


def _nobody_was_too_many(scales: Scales, evidence: Evidence, instances: list[Row]) -> None:
    room = {instance["id"]: max(_capacities(evidence, instance)) for instance in instances}
    for instance_id, found in crowds(evidence, COUNTED, room, sized=True).items():
        scales.weigh(
            not found,
            "an event instance held more people than it may at any time of the run",
            instance_id=instance_id,
            capacity=room[instance_id],
            crowds=found[:3],
        )


def _capacities(evidence: Evidence, instance: Row) -> Iterator[int]:
    """Tell every capacity that the instance had at some time, as far as anybody was told."""
    yield instance["max_attendance"]
    for one in published(evidence, BOOKING_EVENTS.name):
        if one.subject == instance["id"]:
            yield one.resource["max_attendance"]
            changed = one.change.get("changes", {}).get("max_attendance", {})
            yield from (value for value in changed.values() if isinstance(value, int))
    for answer in changes(evidence):
        data = told_data(answer)
        if instance["id"] in strings(data.get("uid")) and "max_attendance" in data:
            yield data["max_attendance"]
