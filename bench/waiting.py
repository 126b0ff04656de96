"""The report's section on the waitlist."""

from collections.abc import Iterator
from statistics import fmean

from bench.measures import waitlist
from bench.plan import Plan
from bench.tables import spread, table


def write_waitlist(measured: waitlist.Measured, plan: Plan) -> Iterator[str]:
    """Write the section of the waitlist."""
    yield "\n## The waitlist\n"
    yield f"{plan.waitlist_places} tables fall free at once, for which {plan.waitlist_waiting} wait in one queue: from"
    yield "the commit of each cancellation to the commit of the offer of its table.\n"
    heads = ("cancellation to offer, ms", "p50", "p90", "p99", "max")
    yield from table(heads, [("each table", *spread(measured.offered_ms))])
    yield f"\nOne table, {plan.waitlist_matches} matches each that find nothing free, and as many offers that are"
    yield "declined: from the commit of the decline to the commit of the offer for the next.\n"
    least = fmean(measured.sizes[0].match_ms)
    rows = [
        (
            f"{size.waiting:,}",
            f"{size.others:,}",
            f"{fmean(size.match_ms):.1f}",
            f"{fmean(size.match_ms) / least:.2f}",
            *spread(size.pass_on_ms),
        )
        for size in (*measured.sizes, measured.beside)
    ]
    heads = ("in the queue", "in other dates", "match, ms, mean", "beside the first's", "decline to offer, ms: p50")
    yield from table((*heads, "p90", "p99", "max"), rows)
