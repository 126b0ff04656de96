"""The rules over lives that nobody planned: what they make of Cal.com's answers is what happened there."""

from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from calcom_sync.domain.status import GRACE
from slotwire_contracts import CalcomBooking
from support.calcom import Booking, Chance, Defects, Fate, Life, fates
from support.calcom.couriers import body
from support.calcom_mirror import Mirror

SEEDS = st.integers(0, 2**32 - 1)
DEFECTS = st.builds(
    Defects,
    wrong_totals=st.booleans(),
    nulls=st.booleans(),
    unknown_host=st.booleans(),
    null_successor=st.booleans(),
    no_tie_breaker=st.booleans(),
)


def status(booking: Booking, now: datetime) -> str:
    """What a booking is in our words (scheduling.md section 2)."""
    if booking.status in {"pending", "awaiting_host"}:
        return "PENDING"
    if booking.status in {"cancelled", "rejected"}:
        return "CANCELLED"
    if now < booking.end + GRACE:
        return "CONFIRMED"
    return "NO_SHOW" if booking.attendees and all(each.absent for each in booking.attendees) else "COMPLETED"


def truth(fate: Fate, now: datetime) -> dict[str, Any]:
    """What must be known of an appointment; of one that was deleted only that it is off."""
    if fate.is_deleted:
        return {"status": "CANCELLED"}
    booking = fate.booking
    return {
        "status": status(booking, now),
        "uid": booking.uid,
        "uids": fate.chain.uids,
        "start_time": booking.start,
        "end_time": booking.end,
        "title": booking.title,
        "absent_host": booking.absent_host,
        "attendees": [(each.email, each.absent, each.seat_uid) for each in booking.attendees],
    }


def shown(snapshot: CalcomBooking, like: dict[str, Any]) -> dict[str, Any]:
    """The same of a snapshot."""
    attendees = [(each.email, each.absent, each.seat_uid) for each in snapshot.attendees]
    return {name: attendees if name == "attendees" else getattr(snapshot, name) for name in like}


def check_known(mirror: Mirror) -> None:
    """Everything that is or was there is known as it is, and nothing else is.

    An appointment that came and went between two looks was never known.
    """
    now, true = mirror.life.now, fates(mirror.life)
    assert mirror.chains.keys() <= true.keys()
    for chain_id, fate in true.items():
        if chain_id in mirror.chains:
            assert shown(mirror.chains[chain_id], truth(fate, now)) == truth(fate, now)
        else:
            assert fate.is_deleted


def check_told(mirror: Mirror, fields: AbstractSet[str] = frozenset(CalcomBooking.model_fields)) -> None:
    """Every difference that was shown since the last time was true when it was; then forget it.

    That something was moved away is true before it is known whither.
    """
    now, true = mirror.life.now, fates(mirror.life)
    for seen in mirror.told:
        expected = truth(true[seen.snapshot.chain_id], now)
        names = expected.keys() & fields & set(seen.changed or expected)
        if seen.snapshot.status_reason != "rescheduled":
            told = shown(seen.snapshot, expected)
            assert {name: told[name] for name in names} == {name: expected[name] for name in names}
    mirror.told.clear()


@settings(max_examples=100, deadline=None)
@given(SEEDS, st.integers(1, 40), DEFECTS)
def test_after_a_reconcile_all_is_as_it_is_at_cal_com(seed: int, steps: int, defects: Defects) -> None:
    """Looked at now and then, with half of the webhooks lost: one booking for each chain, and nothing untrue shown."""
    random, life = Random(seed), Life(seed=seed)
    chance, mirror = Chance(life, seed=seed), Mirror(life, defects, seed=seed)
    for _ in range(steps):
        told = len(life.untold)
        chance.step(days=0.5)
        for happening in life.untold[told:]:
            if random.random() < 0.5:
                mirror.hear(body(happening))
        look = random.choice((mirror.sync_changes, mirror.reconcile, mirror.grow_old, lambda: None))
        look()
        check_told(mirror)
    mirror.reconcile()
    mirror.grow_old()
    check_told(mirror)
    check_known(mirror)


@settings(max_examples=50, deadline=None)
@given(SEEDS, st.integers(1, 40), DEFECTS)
def test_the_same_once_more_is_no_news(seed: int, steps: int, defects: Defects) -> None:
    life = Life(seed=seed)
    chance, mirror = Chance(life, seed=seed), Mirror(life, defects, seed=seed)
    for _ in range(steps):
        chance.step(days=0.5)
    first = mirror.reconcile()
    mirror.told.clear()
    second = mirror.reconcile()
    assert (second.synced, second.failed, mirror.told) == (0, 0, [])
    assert first.fetched == first.synced + first.skipped
    assert second.fetched <= first.fetched + len(life.rows())


@settings(max_examples=50, deadline=None)
@given(SEEDS, st.integers(1, 40))
def test_a_replica_that_lags_never_takes_back_what_was_known(seed: int, steps: int) -> None:
    """Lists are minutes behind, single bookings are not: what was once shown is not undone by what is older."""
    life, defects = Life(seed=seed), Defects()
    chance, mirror = Chance(life, seed=seed), Mirror(life, defects, seed=seed)
    for _ in range(20):
        chance.step(days=1.0)
    mirror.reconcile()
    defects.list_lag = timedelta(minutes=4)
    life.advance(minutes=5)  # or else what was never known, as it was gone before the first look, came back as new
    for _ in range(steps):
        told = len(life.untold)
        chance.step(days=0.005)
        for happening in life.untold[told:]:
            mirror.hear(body(happening))
        mirror.told.clear()
        mirror.reconcile()
        check_told(mirror, {"uid", "status", "attendees"})
    life.advance(minutes=5)
    mirror.reconcile()
    mirror.grow_old()
    check_known(mirror)
