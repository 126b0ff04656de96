"""A year of life at Cal.com, with every defect on and half of the webhooks lost, through the real services."""

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from support.calcom import fates
from support.calcom_year import Year, a_year, shown, truth
from support.servers import running_servers

DAYS = int(os.environ.get("SLOTWIRE_CALCOM_DAYS", "365"))
SEED = int(os.environ.get("SLOTWIRE_CALCOM_SEED", "7"))


async def test_after_a_year_all_is_as_it_is_at_cal_com_and_nothing_untrue_was_told() -> None:
    with running_servers() as servers:
        async with a_year(servers, seed=SEED) as year:
            begun = year.life.now
            await year.pass_by(begun + timedelta(days=DAYS))
            year.life.advance(days=1)
            year.note()
            await year.settle()
            await check_runs(year)
            await check_bookings(year)
            await check_told(year)


async def check_runs(year: Year) -> None:
    """Runs came about by themselves, in every way, and all that they told was answered."""
    async with year.service.database.connection() as conn:
        rows = await conn.fetch("SELECT id, kind, state FROM runs")
    kinds = {row["kind"] for row in rows if row["state"] == "completed"}
    assert kinds == {"incremental", "reconcile", "webhook"}
    for row in rows:
        run = await year.runs.get(year.admin.org_id, row["id"])
        tally = run.tally
        assert (run.unanswered, tally.failed) == (0, 0)
        assert tally.synced + tally.skipped == run.fetched


async def check_bookings(year: Year) -> None:
    """Each appointment that was ever seen is one booking, as it is there now."""
    life, listed = year.life, await year.listed()
    by_chain = {year.chain_of(one["external"]["uid"]): one for one in listed}
    assert len(by_chain) == len(listed), "one booking for each appointment"
    for chain_id, fate in fates(life).items():
        if chain_id not in by_chain:
            assert fate.is_deleted, "it came and went between two looks"
        elif fate.is_deleted:
            assert by_chain[chain_id]["status"] == "CANCELLED"
        else:
            assert shown(by_chain[chain_id]) == truth(fate.booking, life.now), year.chance.happened


async def check_told(year: Year) -> None:
    """Whatever subscribers were told to be so was so."""
    told = await year.told()
    assert len(told) > DAYS / 4
    for event in told:
        resource = event.data.resource.model_dump(mode="json")
        chain_id = year.chain_of(resource["external"]["uid"])
        said = claimed(event.type, event.data.change.model_dump(mode="json"), shown(resource))
        if said is not None:
            assert year.was_true(chain_id, event.time, said), (event.type, event.time, chain_id, said)


def claimed(kind: str, change: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any] | None:
    """What an event says that is so now; None: nothing, as a booking is moved to a time that is not known yet."""
    if kind == "reservation.created":
        return dict(now)
    if kind == "reservation.updated":
        names = set(change["changes"]) & now.keys()
        more = {"attendees", "absent_host"} if "metadata" in change["changes"] else set()
        return {name: now[name] for name in names | more}
    if change.get("reason") == "rescheduled":
        return None
    return {"status": change["to_status"].upper()}
