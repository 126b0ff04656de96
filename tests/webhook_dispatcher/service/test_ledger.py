"""I4: «a ledger query proves `unaccounted = 0`», and of each loss it tells that there is one."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from chassis.clock import utc_now
from chassis.ids import next_id
from chassis.lifecycle import Loop, background
from chassis.postgres import Connection, Database
from slotwire_contracts import ReservationEvent, Topic, encode, record_key
from support.dispatcher import ORG, Dispatcher, a_happening, a_retention, arrival, dispatcher
from support.reservations import a_reservation
from support.servers import Servers
from support.topics import forget, fresh_topic, write_topic
from support.waiting import eventually
from webhook_dispatcher.consumer import consumer
from webhook_dispatcher.domain.delivery import DiscardReason
from webhook_dispatcher.domain.errors import ValidationFailedError
from webhook_dispatcher.domain.ledger import Ledger, Span
from webhook_dispatcher.domain.subscription import State
from webhook_dispatcher.service.ledger import Accounting, Ledgers
from webhook_dispatcher.store import events as events_store
from webhook_dispatcher.store import ledger as ledger_store
from webhook_dispatcher.store.days import DAYS

ALL = Span(None, None)
URL = "https://example.com/"


def a_course(number: int, *, resource: str = "bk_1", ago: timedelta = timedelta(0)) -> list[ReservationEvent]:
    """Events of one resource, one after the other."""
    return [
        a_happening(
            "reservation.assigned" if count == 1 else "reservation.confirmed",
            id=next_id("evt", None, utc_now() - ago + timedelta(milliseconds=count)),
            resource=a_reservation(id=resource),
            sequence=count + 1,
        )
        for count in range(number)
    ]


async def take(one: Dispatcher, *events: ReservationEvent, first: int = 0) -> None:
    """Take events in whose records follow each other."""
    arrivals = [arrival(event, offset) for offset, event in enumerate(events, first)]
    async with one.database.connection() as conn:
        await one.ingest.take(conn, arrivals)


async def ledger(db: Database, span: Span = ALL, org_id: str = ORG) -> Ledger:
    return await Ledgers(db).get(org_id, span)


async def watched(db: Database) -> int:
    """Look at every day, and tell what operators are told."""
    accounting = Accounting(db, utc_now)
    while not (seen := await accounting.look()).is_whole:
        pass
    return seen.unaccounted


async def change(db: Database, statement: str) -> None:
    async with db.connection() as conn:
        assert await conn.execute(statement) not in {"DELETE 0", "UPDATE 0"}


async def test_what_is_accepted_is_delivered_exhausted_discarded_or_in_flight(db: Database) -> None:
    one = dispatcher(db)
    for state in (State.ACTIVE, State.ACTIVE, State.DISABLED):
        await one.subscribe(URL, state=state)
    events = a_course(6)
    await take(one, *events)
    await change(
        db,
        f"""
        UPDATE deliveries SET state = 'delivered', settled_at = now()
        WHERE event_id IN ('{events[0].id}', '{events[2].id}') AND state = 'pending'
        """,
    )
    await change(
        db,
        f"""
        UPDATE deliveries SET state = 'exhausted', settled_at = now()
        WHERE event_id = '{events[3].id}' AND state = 'pending'
        """,
    )
    told = await ledger(db)
    assert told == Ledger(
        accepted=15,
        delivered=4,
        exhausted=2,
        discarded={DiscardReason.DISABLED: 5, DiscardReason.DELETED: 0},
        in_flight=4,
        missing=0,
        orphaned=0,
        skipped=0,
    )
    assert (told.unaccounted, await watched(db)) == (0, 0)
    assert (await ledger(db, org_id="org_else")).accepted == 0


async def test_a_range_is_of_the_events_time(db: Database) -> None:
    one = dispatcher(db)
    await one.subscribe(URL)
    ages = [timedelta(days=2), timedelta(days=1), timedelta(0)]
    await a_retention(db).ensure({(utc_now() - age).date() for age in ages})
    now = utc_now()
    await take(one, *(a_happening(id=next_id("evt", None, now - age)) for age in ages))
    ends: list[datetime | None] = [None, *(now - age for age in ages), None]
    counted = [(await ledger(db, Span(since, until))).accepted for since, until in pairwise(ends)]
    assert counted == [0, 1, 1, 1]
    with pytest.raises(ValidationFailedError, match="to: must be later than `from`"):
        await ledger(db, Span(now, now))


LOSSES: dict[str, Callable[[list[ReservationEvent]], str]] = {
    "a delivery": lambda events: (
        f"DELETE FROM deliveries WHERE event_id = '{events[2].id}' AND subscription_id IN "
        "(SELECT min(id) FROM subscriptions)"
    ),
    "an event": lambda events: f"DELETE FROM events WHERE event_id = '{events[2].id}'",
    "an event for nobody": lambda events: f"DELETE FROM events WHERE event_id = '{events[1].id}'",
}


@pytest.mark.parametrize("loss", LOSSES)
async def test_what_is_deleted_shows_as_one(db: Database, loss: str) -> None:
    """«Tests delete one delivery, one event, and one record before ingest: each shows as 1.»"""
    one = dispatcher(db)
    for _ in range(2):
        await one.subscribe(URL)
    events = a_course(5)
    await take(one, *events)
    assert ((await ledger(db)).unaccounted, await watched(db)) == (0, 0)
    await change(db, LOSSES[loss](events))
    told = await ledger(db)
    assert (told.unaccounted, await watched(db)) == (1, 1)
    assert told.accepted == 8 == told.in_flight + told.missing


async def test_the_last_event_of_a_resource_is_missed_too(db: Database) -> None:
    """No number tells of it, but it was counted as it came."""
    one = dispatcher(db)
    events = a_course(3)
    await take(one, *events)
    await change(db, f"DELETE FROM events WHERE event_id = '{events[-1].id}'")
    assert await watched(db) == 1


async def test_a_record_that_is_never_read_shows_as_one(dispatcher: Dispatcher, servers: Servers) -> None:
    """«one record before ingest»: it is deleted before anybody has read it, as what is too old is."""
    topic = await fresh_topic(servers.kafka_bootstrap, partitions=1)
    events = a_course(6)
    records = [(record_key(event), encode(event)) for event in events]
    await write_topic(servers.kafka_bootstrap, topic.name, records[:3])
    await consume(dispatcher, servers, topic, until=3)
    await write_topic(servers.kafka_bootstrap, topic.name, records[3:4])
    await forget(servers.kafka_bootstrap, topic)
    assert await watched(dispatcher.database) == 0  # nobody can know yet
    await write_topic(servers.kafka_bootstrap, topic.name, records[4:])
    await consume(dispatcher, servers, topic, until=6)
    assert (await ledger(dispatcher.database)).unaccounted == 1
    assert await watched(dispatcher.database) == 1


async def test_a_dead_letter_is_a_trace(dispatcher: Dispatcher, servers: Servers) -> None:
    topic = await fresh_topic(servers.kafka_bootstrap, partitions=1)
    first, second = a_course(2)
    poison = (b"p", b"no event")
    records = [poison, (record_key(first), encode(first)), poison, poison, (record_key(second), encode(second))]
    await write_topic(servers.kafka_bootstrap, topic.name, [*records, poison])
    await consume(dispatcher, servers, topic, until=6)
    assert await watched(dispatcher.database) == 0


async def test_an_event_that_was_published_twice_is_a_trace_twice(db: Database) -> None:
    one = dispatcher(db)
    await one.subscribe(URL)
    first, second = a_course(2)
    await take(one, first, second, first)
    await take(one, second, first=3)
    assert ((await ledger(db)).unaccounted, await watched(db)) == (0, 0)


async def test_a_number_that_was_never_published_shows_as_one(db: Database) -> None:
    one = dispatcher(db)
    events = a_course(4)
    await take(one, *events[:2], *events[3:])
    assert ((await ledger(db)).unaccounted, await watched(db)) == (1, 1)


async def test_other_resources_and_older_days_hide_nothing(db: Database) -> None:
    one = dispatcher(db)
    await one.subscribe(URL)
    old = timedelta(days=3)
    await a_retention(db).ensure({(utc_now() - old).date()})
    await take(one, *a_course(3), *a_course(3, resource="bk_2"), *a_course(3, resource="bk_3", ago=old))
    async with db.connection() as conn:
        await conn.execute(
            "DELETE FROM deliveries WHERE id = (SELECT min(id) FROM deliveries)"  # of the old day
        )
        await conn.execute("DELETE FROM events WHERE resource_id = 'bk_2' AND sequence = 2")
    assert ((await ledger(db)).unaccounted, await watched(db)) == (2, 2)


async def test_a_loss_of_today_shows_at_the_second_look_and_any_other_in_turn(db: Database) -> None:
    one = dispatcher(db)
    ages = [timedelta(days=age) for age in range(4)]
    await a_retention(db).ensure({(utc_now() - age).date() for age in ages})
    events = [a_happening(id=next_id("evt", None, utc_now() - age)) for age in ages]
    await take(one, *events)
    accounting = Accounting(db, utc_now)
    looks = 1
    while not (seen := await accounting.look()).is_whole:
        looks += 1
    assert looks == len(ages) + 1  # tomorrow is there as well
    for lost, (event, within) in enumerate(zip(events, (2, 8, 8, 8), strict=True)):
        await change(db, f"DELETE FROM events WHERE event_id = '{event.id}'")
        for _ in range(within):
            seen = await accounting.look()
        assert seen.unaccounted == lost + 1


def a_life(ages: Sequence[int]) -> list[ReservationEvent]:
    """Events of one resource, each so many days old, the oldest first."""
    began = utc_now()
    return [
        a_happening(
            id=next_id("evt", None, began - timedelta(days=age) + timedelta(milliseconds=number)),
            resource=a_reservation(id="bk_1"),
            sequence=number,
        )
        for number, age in enumerate(ages, 1)
    ]


async def days_for(db: Database, ages: Sequence[int]) -> None:
    await a_retention(db).ensure({(utc_now() - timedelta(days=age)).date() for age in ages})


async def dropped(db: Database, age: int) -> None:
    """Have a day dropped for its age."""
    async with db.transaction() as conn:
        await conn.execute("UPDATE deliveries SET state = 'delivered', settled_at = now() WHERE state = 'pending'")
    await a_retention(db, age - 1).drop_old()


async def restored(db: Database, *events: ReservationEvent) -> None:
    """Have events written again that a replay reads from the log."""
    arrivals = [arrival(event) for event in events]
    await a_retention(db).ensure({one.day for one in arrivals})
    async with db.transaction() as conn:
        await events_store.restore(conn, arrivals)


async def test_what_was_dropped_between_days_that_are_kept_is_no_loss(db: Database) -> None:
    """The oldest day waits for a delivery; a younger one of the same resource is dropped."""
    one = dispatcher(db)
    await one.subscribe(URL)
    ages = (33, 32, 32, 31, 2, 1)
    await days_for(db, ages)
    life = a_life(ages)
    await take(one, *life[:3])
    async with db.connection() as conn:
        await conn.execute(
            "UPDATE deliveries SET state = 'delivered', settled_at = now() WHERE event_id <> $1", life[0].id
        )
    await a_retention(db, 31).drop_old()
    await take(one, *life[3:], first=3)
    async with db.connection() as conn:
        assert [row[0] for row in await conn.fetch("SELECT sequence FROM events ORDER BY 1")] == [1, 4, 5, 6]
    assert ((await ledger(db)).unaccounted, await watched(db)) == (0, 0)
    await change(db, f"DELETE FROM events WHERE event_id = '{life[4].id}'")
    told = await ledger(db)
    assert (told.skipped, told.unaccounted, await watched(db)) == (1, 1, 1)  # days that follow each other


async def test_what_two_replays_left_out_of_a_day_that_was_dropped_is_no_loss(db: Database) -> None:
    one = dispatcher(db)
    ages = (32, 32, 32, 32, 32, 1)
    await days_for(db, ages)
    life = a_life(ages)
    await take(one, *life)
    await dropped(db, 32)
    for event in (life[0], life[3]):
        await restored(db, event)
        assert ((await ledger(db)).unaccounted, await watched(db)) == (0, 0)
    await dropped(db, 32)
    await restored(db, life[0], life[2])
    assert ((await ledger(db)).unaccounted, await watched(db)) == (0, 0)


async def test_a_day_on_which_nothing_runs_hides_no_loss(db: Database) -> None:
    """It is missing, and was never dropped: what is left out from the day before to the day after it was lost."""
    one = dispatcher(db)
    ages = (9, 7, 3)
    await days_for(db, ages)
    life = a_life(ages)
    await take(one, *life[::2])
    assert (await ledger(db)).unaccounted == 1
    assert (await ledger(db, Span(utc_now() - timedelta(days=8), None))).unaccounted == 0


@pytest.mark.parametrize("at_once", [2, 3, 4, 5])
async def test_numbers_are_looked_through_some_at_a_time(
    db: Database, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(ledger_store, "_EVENTS", at_once)
    one = dispatcher(db)
    await days_for(db, (1,))
    courses = [a_course(6, resource=f"bk_{number}", ago=timedelta(days=number % 2)) for number in range(4)]
    await take(one, *(event for course in courses for event in course))
    assert (await ledger(db)).skipped == 0
    for number, course in enumerate(courses):
        await change(db, f"DELETE FROM events WHERE event_id IN ('{course[1 + number].id}', '{course[2].id}')")
    assert (await ledger(db)).skipped == 2 + 1 + 2 + 2


async def test_each_statement_reads_a_day_or_so_many_events(db: Database) -> None:
    """However many days are kept: a step reads the next events in their order and no others."""
    one = dispatcher(db)
    ages = range(5)
    await days_for(db, ages)
    await take(one, *(event for age in ages for event in a_course(200, resource=f"bk_{age}", ago=timedelta(days=age))))
    async with db.connection() as conn:
        await conn.execute("ANALYZE events")
        (day, *_) = await DAYS.days(conn)
        of_day = ledger_store._of(ledger_store._OF_ORGANIZATION, day)
        plan = await conn.fetch(f"EXPLAIN {of_day}", ORG, "evt_", "evt_~", "dlv_", "dlv_~")
    assert set(re.findall(r"events_(\d{8})", "".join(row[0] for row in plan))) == {f"{day:%Y%m%d}"}
    async with db.snapshot() as conn:
        before = await read(conn)
        row = await conn.fetchrow(ledger_store._SKIPPED, ORG, "evt_", "evt_~", "bk_2", 5, 50)
        assert await read(conn) - before <= 100
    assert row is not None
    assert tuple(row) == ("bk_2", 54, 50, 0)


async def read(conn: Connection) -> int:
    """How many rows of events this transaction has read, its days together."""
    rows: int = await conn.fetchval(
        """
        SELECT sum(idx_tup_fetch + seq_tup_read)::int FROM pg_stat_xact_user_tables
        WHERE relname LIKE 'events%'
        """
    )
    return rows


async def consume(one: Dispatcher, servers: Servers, topic: Topic, *, until: int) -> None:
    """Consume until all before an offset has left its trace, and stop in good order."""
    loop = consumer(
        servers.kafka_bootstrap,
        one.database,
        one.ingest,
        a_retention(one.database),
        clock=utc_now,
        topics=[topic],
        group=topic.name,
    )

    async def is_there() -> bool:
        async with one.database.connection() as conn:
            return bool(await conn.fetchval("SELECT next = $2 FROM consumed WHERE topic = $1", topic.name, until))

    async with background(Loop("consumer", loop.run), drain_seconds=10.0):
        await eventually(is_there, within=20)
