"""The places that fall free are enough for every rate, and the queues take turns."""

from bench.measures.waitlist_load import in_turns, tables
from bench.plan import QUICK, WHOLE, Plan


def wanted(plan: Plan) -> float:
    seconds = plan.load_skipped_seconds + plan.load_seconds
    return sum(rate * seconds for rate in plan.waitlist_rates) + plan.waitlist_burst


def test_there_is_a_place_for_each_that_falls_free() -> None:
    for plan in (QUICK, WHOLE):
        assert tables(plan) * plan.waitlist_dates > wanted(plan)
        assert (tables(plan) - 2) * plan.waitlist_dates < wanted(plan)


def test_the_dates_take_turns() -> None:
    bookings = ["mon-1", "mon-2", "mon-3", "tue-1", "tue-2", "tue-3"]
    assert in_turns(bookings, 3) == ["mon-1", "tue-1", "mon-2", "tue-2", "mon-3", "tue-3"]
