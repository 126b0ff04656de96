"""Which tables a party gets: the smallest that fits, or several put together.

Invariant: what is answered seats the party, and no table of it is for larger parties only. Several tables are all
combinable and of one section, those without a section being one too, and they are the best there are: the fewest, then
those with the fewest seats, then those with the lowest numbers.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache, lru_cache
from heapq import merge
from itertools import accumulate

from booking.domain.place import TablePlace

MOST_TABLES = 8
"""How many tables are put together at most."""

Seating = tuple[TablePlace, ...]
"""The tables of one party."""


def fitting_tables(tables: Collection[TablePlace], party_size: int) -> Seating:
    """Answer the tables that seat the party alone, the smallest first."""
    fitting = [table for table in tables if table.min_party <= party_size <= table.max_party]
    return tuple(sorted(fitting, key=lambda table: (table.max_party, table.resource_no)))


def seatings(tables: Collection[TablePlace], party_size: int) -> Iterator[Seating]:
    """Seat parties of one size one after another, as long as there is room.

    Args:
        tables: those that are free.
        party_size: of each party.

    Yields:
        The tables of the first party, then those of the next.
    """
    for table in fitting_tables(tables, party_size):
        yield (table,)
    yield from merge(*(_seatings_of(section, party_size) for section in _sections(tables, party_size)), key=_rank)


def counter(tables: Sequence[TablePlace], party_size: int) -> Callable[[int], int]:
    """Prepare to count what `seatings` yields, over and over.

    Args:
        tables: all that there are.
        party_size: of each party.

    Returns:
        Counts the parties that those of the tables seat which are free: table n is the nth bit.
    """
    bits = {table.resource_no: 1 << place for place, table in enumerate(tables)}
    alone = sum(bits[table.resource_no] for table in fitting_tables(tables, party_size))
    sections = [
        [(bits[table.resource_no], table.max_party) for table in section] for section in _sections(tables, party_size)
    ]

    @cache
    def count(free: int) -> int:
        rows = (tuple(seats for bit, seats in section if free & bit) for section in sections)
        return (free & alone).bit_count() + sum(_parties_of(row, party_size) for row in rows)

    return count


def suits(tables: Collection[TablePlace], party_size: int) -> bool:
    """Tell whether the tables, taken all of them, suit the party."""
    return (
        bool(tables)
        and party_size <= sum(table.max_party for table in tables)
        and all(table.min_party <= party_size for table in tables)
    )


def _sections(tables: Collection[TablePlace], party_size: int) -> Iterator[list[TablePlace]]:
    """Gather the tables that can be put together for a party, in the order of their numbers."""
    sections: defaultdict[str | None, list[TablePlace]] = defaultdict(list)
    for table in tables:
        # What is too small for the party is never for larger ones only.
        if table.combinable and table.max_party < party_size:
            sections[table.section_id].append(table)
    for section in sections.values():
        yield sorted(section, key=lambda table: table.resource_no)


def _rank(seating: Seating) -> tuple[int, int, list[int]]:
    return len(seating), sum(table.max_party for table in seating), [table.resource_no for table in seating]


def _seatings_of(section: Sequence[TablePlace], party_size: int) -> Iterator[Seating]:
    """Do as `seatings` within a section; a party after another never ranks before it, as tables only become fewer."""
    while best := _best(tuple(table.max_party for table in section), party_size):
        yield tuple(section[place] for place in best)
        section = [table for place, table in enumerate(section) if place not in best]


@lru_cache(maxsize=1 << 14)
def _parties_of(row: Sequence[int], party_size: int) -> int:
    """Count the parties that a section seats, told by its tables' seats alone: what a month is asked over and over."""
    best = _best(row, party_size)
    if not best:
        return 0
    return 1 + _parties_of(tuple(one for place, one in enumerate(row) if place not in best), party_size)


def _best(row: Sequence[int], party_size: int) -> tuple[int, ...]:
    """Choose tables to put together.

    Args:
        row: how many each table seats, fewer than the party each, in the order in which tables are preferred.
        party_size: how many are to be seated.

    Returns:
        The places in the row of those chosen, in order; none when all of them, or the most that are put together, do
        not seat the party.
    """
    count = _fewest(row, party_size)
    if count is None:
        return ()
    places = _candidates(row, count)
    # Of each place and number of tables, which sums so many tables from there on can have: sum n is the nth bit.
    reach = [[1] + [0] * count]
    for place in reversed(places):
        later = reach[-1]
        reach.append([1, *(later[n] | later[n - 1] << row[place] for n in range(1, count + 1))])
    reach.reverse()
    enough = reach[0][count] >> party_size
    left = party_size + (enough & -enough).bit_length() - 1
    chosen: list[int] = []
    for place, later in zip(places, reach[1:], strict=True):
        missing = count - len(chosen)
        if missing and left >= row[place] and later[missing - 1] >> (left - row[place]) & 1:
            chosen.append(place)
            left -= row[place]
    return tuple(chosen)


def _fewest(row: Sequence[int], party_size: int) -> int | None:
    """Tell how many tables it takes at least; None when too many, or more than there are."""
    largest_first = sorted(row, reverse=True)[:MOST_TABLES]
    return next((count for count, sum_ in enumerate(accumulate(largest_first), 1) if sum_ >= party_size), None)


def _candidates(row: Sequence[int], count: int) -> list[int]:
    """Answer the places that can be among the best `count`: of tables with the same seats only so many, the first."""
    seen: defaultdict[int, int] = defaultdict(int)
    places = []
    for place, one in enumerate(row):
        seen[one] += 1
        if seen[one] <= count:
            places.append(place)
    return places
