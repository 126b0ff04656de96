"""I6: two blocking bookings or holds never overlap on a resource.

Invariant: looked at from both sides: what the tables hold in the end, and what was surely so at each instant before.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from booking.domain.status import OCCUPYING
from chaos.checks.crowding import crowds
from chaos.checks.reading import by_id, grouped, rows
from chaos.checks.scales import Scales
from chaos.evidence import Evidence, Finding, Row

_BITS = 34
_FREE = frozenset({"CANCELLED", "DECLINED", "NO_SHOW"})


def nothing_overlaps(evidence: Evidence) -> Finding:
    """Check that no resource has two at once, now or at any instant of the run, and that each has what it says."""
    scales = Scales("I6")
    resources = by_id(evidence, "booking.resources", "resource_no")
    taken = [row for row in rows(evidence, "booking.occupancy") if row["resource_no"] in resources]
    _rows_do_not_overlap(scales, taken)
    _bookings_have_their_time(scales, evidence, resources, grouped(taken, "booking_id"))
    _holders_are_there(scales, evidence, taken)
    _nobody_ever_shared(scales, evidence, resources)
    return scales.finding()


def _rows_do_not_overlap(scales: Scales, taken: Sequence[Row]) -> None:
    for resource_no, some in grouped(taken, "resource_no").items():
        in_order = sorted(some, key=lambda row: int(row["during"].lower))
        for row in in_order:
            scales.weigh(
                (row["during"].lower >> _BITS) == (row["during"].upper - 1 >> _BITS) == resource_no,
                "time is taken that is another resource's",
                **row,
            )
        for before, after in pairwise(in_order):
            scales.weigh(
                before["during"].upper <= after["during"].lower,
                "two have one resource at one time",
                resource_no=resource_no,
                rows=[dict(before), dict(after)],
            )


def _bookings_have_their_time(
    scales: Scales, evidence: Evidence, resources: dict[Any, Row], taken: dict[Any, list[Row]]
) -> None:
    for booking in rows(evidence, "booking.bookings"):
        found = taken.get(booking["id"], [])
        scales.weigh(
            _has_its_time(booking, [(resources[row["resource_no"]], row["during"]) for row in found]),
            "a booking does not occupy what it says",
            booking_id=booking["id"],
            status=booking["status"],
            tables=booking["table_ids"],
            schedule_id=booking["schedule_id"],
            occupancy=[dict(row) for row in found],
        )


def _has_its_time(booking: Row, taken: Sequence[tuple[Row, Any]]) -> bool:
    if booking["status"] in _FREE or booking["conflict"]:
        return not taken
    owners = Counter(resource["owner_id"] for resource, _ in taken)
    places = Counter([*booking["table_ids"], *filter(None, [booking["schedule_id"]])])
    spans = {(_second(during.lower), _second(during.upper)) for _, during in taken}
    if booking["status"] in OCCUPYING:
        return owners == places and spans <= {_span(booking)}
    return owners <= places and all(end <= _span(booking)[1] for _, end in spans)


def _second(number: int) -> int:
    return number & ((1 << _BITS) - 1)


def _span(booking: Row) -> tuple[int, int]:
    before, after = booking["buffer_before_minutes"] * 60, booking["buffer_after_minutes"] * 60
    return int(booking["start_time"].timestamp()) - before, int(booking["end_time"].timestamp()) + after


def _holders_are_there(scales: Scales, evidence: Evidence, taken: Sequence[Row]) -> None:
    bookings, holds = by_id(evidence, "booking.bookings"), by_id(evidence, "booking.holds")
    for row in taken:
        is_closed = row["hold_id"] is not None and row["expires_at"] is None  # of a deleted schedule or table
        scales.weigh(
            row["booking_id"] in bookings or row["hold_id"] in holds or is_closed,
            "time is taken by nobody",
            **row,
        )


def _nobody_ever_shared(scales: Scales, evidence: Evidence, resources: dict[Any, Row]) -> None:
    lanes = Counter(row["owner_id"] for row in resources.values())
    for place, found in crowds(evidence, OCCUPYING, lanes).items():
        scales.weigh(
            not found,
            "more had one place at one time than it has room for",
            place=place,
            lanes=lanes[place],
            crowds=found[:3],
        )
