"""The order of a booking's attendees, which Cal.com does not promise: it may be another one each time.

Invariant: the same people are in the same order as before, whoever came or left beside them.
"""

from collections.abc import Sequence

from slotwire_contracts import CalcomAttendee


def in_known_order(told: Sequence[CalcomAttendee], known: Sequence[CalcomAttendee]) -> tuple[CalcomAttendee, ...]:
    """Put attendees into the order in which they are known; those who are new come last, as they are told.

    Args:
        told: who comes now.
        known: who was known to come; of two with one email and one seat, each is found by the rest of it.
    """
    places, seats = dict[CalcomAttendee, int](), dict[tuple[str | None, str], int]()
    for number, one in enumerate(known):
        places.setdefault(one, number)
        seats.setdefault((one.seat_uid, one.email), number)

    def place(one: CalcomAttendee) -> int:
        return places.get(one, seats.get((one.seat_uid, one.email), len(known)))

    return tuple(sorted(told, key=place))
