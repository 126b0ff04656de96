"""Booking killed with -9 while it takes over what is found in Cal.com: each snapshot has one effect and one answer.

I2 and I3: an effect and its inbox row commit together, before the offset, and what was committed is published.
"""

import asyncio
import random
import secrets
from datetime import timedelta
from pathlib import Path

from slotwire_contracts import (
    BOOKING_EVENTS,
    CALCOM_BOOKINGS,
    CALCOM_RESULTS,
    CalcomBookingApplied,
    CalcomBookingObserved,
    CalcomOutcome,
    ReservationEvent,
    decode,
    encode,
    record_key,
)
from support.booking_values import NOW, START
from support.calcom_bookings import a_snapshot, an_observation
from support.servers import Servers
from support.system import System, running_system
from support.topics import read_topic, write_topic
from support.waiting import eventually

CHAINS, KILLS = 300, 3


def life(org_id: str, schedule_id: str, number: int) -> list[CalcomBookingObserved]:
    """A booking that is made, moved to the time after it, and cancelled."""
    chain, start = secrets.token_hex(6), START + number * timedelta(hours=2)
    seen = (
        a_snapshot(chain, schedule_id, start_time=start),
        a_snapshot(chain, schedule_id, uid=f"{chain}_2", start_time=start + timedelta(hours=1)),
        a_snapshot(chain, schedule_id, uid=f"{chain}_2", start_time=start + timedelta(hours=1), status="CANCELLED"),
    )
    return [an_observation(org_id, one, sequence, now=NOW) for sequence, one in enumerate(seen, 1)]


async def kill(system: System, rng: random.Random) -> None:
    for _ in range(KILLS):
        await asyncio.sleep(rng.uniform(0.2, 1.5))
        await asyncio.to_thread(system.booking[0].kill)
        await asyncio.to_thread(system.booking[0].start)
        await eventually(system.booking[0].ready, within=60)


async def answers(system: System) -> dict[str, CalcomBookingApplied]:
    """The organization's answers by their ids: a record may stand on the topic twice."""
    records = await read_topic(system.servers.kafka_bootstrap, CALCOM_RESULTS.name)
    events = (decode(record.value) for record in records)
    mine = (event for event in events if isinstance(event, CalcomBookingApplied))
    return {event.id: event for event in mine if event.orgid == system.tenant.org_id}


async def test_whenever_booking_is_killed_each_snapshot_has_one_effect_and_one_answer(
    servers: Servers, tmp_path: Path
) -> None:
    async with running_system(servers, tmp_path, dispatcher=0) as system:
        schedule = await system.made("/api/v1/schedules", {"name": "Room", "timezone": "UTC"})
        lives = [life(system.tenant.org_id, schedule["id"], number) for number in range(CHAINS)]
        found = [one for news in zip(*lives, strict=True) for one in news]
        killing = asyncio.create_task(kill(system, random.Random(CHAINS)))
        for start in range(0, len(found), 50):
            records = [(record_key(event), encode(event)) for event in found[start : start + 50]]
            await write_topic(servers.kafka_bootstrap, CALCOM_BOOKINGS.name, records)
        await killing

        async def all_are_answered() -> bool:
            return {answer.causationid for answer in (await answers(system)).values()} == {one.id for one in found}

        await eventually(all_are_answered, within=120)
        given = (await answers(system)).values()
        assert len(given) == len(found)
        for news in lives:
            mine = [answer for answer in given if answer.subject == news[0].subject]
            mine.sort(key=lambda answer: answer.sequence)
            assert [(answer.sequence, answer.causationid) for answer in mine] == [
                (number, one.id) for number, one in enumerate(news, 1)
            ]
            outcomes = [answer.data.resource.outcome for answer in mine]
            assert outcomes == [CalcomOutcome.CREATED, CalcomOutcome.UPDATED, CalcomOutcome.UPDATED]
            assert len({answer.data.resource.booking_id for answer in mine}) == 1
        _, listed = await system.call("GET", f"/api/v1/bookings?schedule_id={schedule['id']}&limit=1")
        assert listed["meta"]["total"] == CHAINS
        await told_once(system, {str(answer.data.resource.booking_id) for answer in given})


async def told_once(system: System, booking_ids: set[str]) -> None:
    """Check that the events of each booking are its life, each once."""
    told: dict[str, dict[str, ReservationEvent]] = {booking_id: {} for booking_id in booking_ids}

    async def all_is_told() -> bool:
        for record in await read_topic(system.servers.kafka_bootstrap, BOOKING_EVENTS.name):
            event = decode(record.value)
            if event.subject in told:
                told[event.subject][event.id] = event  # type: ignore[assignment]  # of a booking
        return all(len(events) >= len(LIFE) for events in told.values())

    await eventually(all_is_told, within=30)
    for events in told.values():
        inorder = sorted(events.values(), key=lambda event: event.sequence)
        assert [event.type for event in inorder] == LIFE
        assert [event.sequence for event in inorder] == [1, 2, 3]


LIFE = ["reservation.created", "reservation.updated", "reservation.cancelled"]
