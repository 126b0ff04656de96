"""Releasing bookings: whose organization has no integration any more, nobody moves there and tells it here.

Invariant: each chain is told once, as it was told last but for that its times may be changed here.
"""

from calcom_sync.service.telling import Telling
from calcom_sync.store import releases
from chassis.unit import UnitOfWork
from slotwire_contracts import FoundBy

AT_ONCE = 200


class Releasing:
    """Tells booking what it may let be changed."""

    def __init__(self, units: UnitOfWork, telling: Telling) -> None:
        self._units = units
        self._telling = telling

    async def step(self) -> bool:
        """Release some bookings of one organization; tells whether there were any."""
        async with self._units.begin() as unit:
            one = await releases.take(unit.conn)
            if one is None:
                return False
            known = await releases.following(unit.conn, one, AT_ONCE)
            if known:
                free = [each.snapshot.model_copy(update={"times_editable": True}) for each in known]
                told = await self._telling.tell(unit, one.org_id, free, by=FoundBy.RECONCILE, run_id=None)
                before = {each.snapshot.chain_id: each.last_event_id for each in known}
                await releases.keep_owed(unit.conn, {before[chain_id]: event for chain_id, event in told.items()})
                await releases.go_on(unit.conn, one, known[-1].snapshot.chain_id)
            else:
                await releases.end(unit.conn, one.org_id)
        return True
