"""Some seasons of life at Cal.com, with every defect on and half of the webhooks lost, through the real services.

A year, if `SLOTWIRE_CALCOM_DAYS` says so. `test_lives` looks closer at syncs; here it has come to subscribers.
"""

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from support.calcom import fates
from support.calcom_truths import is_so
from support.calcom_year import BY_CURSOR, LAG, Year, a_year, every_defect, shown
from support.servers import running_servers

DAYS = int(os.environ.get("SLOTWIRE_CALCOM_DAYS", "45"))
SEED = int(os.environ.get("SLOTWIRE_CALCOM_SEED", "7"))
SEASONS: tuple[tuple[dict[str, Any], dict[str, str]], ...] = (
    ({"short_pages": 20}, {}),
    ({"read_lag": LAG}, BY_CURSOR),
)


async def test_in_the_end_all_is_as_it_is_at_cal_com_and_nothing_untrue_was_told() -> None:
    with running_servers() as servers:
        for number, (defects, terms) in enumerate(SEASONS):
            async with a_year(servers, every_defect(**defects), seed=SEED + number, **terms) as year:
                await year.pass_by(year.life.now + timedelta(days=DAYS))
                year.life.advance(days=1)
                year.truths.note()
                await year.settle()
                await check_runs(year)
                await check_bookings(year)
                await check_told(year)


async def check_runs(year: Year) -> None:
    """Runs came about by themselves, in every way, and all that they told was answered."""
    async with year.service.database.connection() as conn:
        rows = await conn.fetch("SELECT id, kind, state FROM runs WHERE org_id = $1", year.admin.org_id)
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
    by_chain = {year.truths.chain_of(one["external"]["uid"]): one for one in listed}
    assert len(by_chain) == len(listed), "one booking for each appointment"
    for chain_id, fate in fates(life).items():
        if chain_id in by_chain:
            assert is_so(shown(by_chain[chain_id]), fate, life.now), year.chance.happened
        else:
            assert fate.is_deleted, "it came and went between two looks"


async def check_told(year: Year) -> None:
    """Whatever subscribers were told to be so was so."""
    told = await year.told()
    assert len(told) > DAYS / 4
    for event in told:
        resource, change = event.data.resource.model_dump(mode="json"), event.data.change.model_dump(mode="json")
        uid = resource["external"]["uid"]
        chain_id, said = year.truths.chain_of(uid), claimed(event.type, change, shown(resource))
        is_true = year.truths.agrees(chain_id, said, since=event.time - LAG, at=event.time)
        assert is_true, (event.type, event.time, chain_id, said, year.chance.happened)


def claimed(kind: str, change: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """What an event says that is so now."""
    if kind == "reservation.created":
        return dict(now)
    if kind == "reservation.updated":
        names = set(change["changes"]) & now.keys()
        more = {"attendees", "absent_host"} if "metadata" in change["changes"] else set()
        return {name: now[name] for name in names | more}
    return {"status": change["to_status"].upper()}
