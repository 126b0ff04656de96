"""How endpoints fare: written by the stream of attempts, read by whoever asks, and acted upon.

Invariants: an endpoint is disabled for failing in the transaction that writes the standing which shows it, and only if
its subscription has been active and has led there ever since. Subscriptions are locked before anything is written of
their endpoints, as a deletion does, so neither waits for the other's half and nothing is written behind a deletion.
"""

from collections.abc import Sequence
from datetime import timedelta

import structlog

from chassis.clock import Clock
from chassis.postgres import Database
from chassis.unit import Unit, UnitOfWork
from webhook_dispatcher.domain.errors import NotFoundError
from webhook_dispatcher.domain.health import FEW_MINUTES, MINUTES, Health, Standing, minute_of, summed
from webhook_dispatcher.domain.subscription import DisabledReason
from webhook_dispatcher.service.disabling import Cause, disable
from webhook_dispatcher.store import health
from webhook_dispatcher.store.health import CountedMinute, CountedStanding
from webhook_dispatcher.store.subscriptions import SubscriptionStore, lock_active, lock_live

_log = structlog.get_logger(__name__)


class EndpointHealth:
    """Keeps and shows the health of endpoints.

    Args:
        units: begins transactions that may publish.
        database: where health is read.
        store: finds the caller's subscription.
        clock: tells the time.
        disable_after: for how long an endpoint has to fail before it is disabled.
    """

    def __init__(
        self, units: UnitOfWork, database: Database, store: SubscriptionStore, clock: Clock, disable_after: timedelta
    ) -> None:
        self._units = units
        self._database = database
        self._store = store
        self._clock = clock
        self._disable_after = disable_after

    async def get(self, org_id: str, subscription_id: str) -> Health:
        """Tell how a subscription's endpoint fares; what was before it led there is forgotten, but for its minutes.

        Raises:
            NotFoundError: the organization has no such subscription.
        """
        async with self._database.connection() as conn:
            found = await self._store.fetch(conn, org_id, subscription_id)
            if found is None:
                raise NotFoundError("there is no such subscription")
            minutes = await health.minutes(conn, subscription_id)
            standing = await health.standing(conn, subscription_id)
        if standing is None or standing.active_since != found.active_since:
            standing = Standing(found.active_since)
        now = minute_of(self._clock())
        return Health(standing, summed(minutes, now, FEW_MINUTES), summed(minutes, now, MINUTES))

    async def keep(self, minutes: Sequence[CountedMinute], standings: Sequence[CountedStanding]) -> None:
        """Write what was counted of subscriptions that are here, and disable the endpoints that failed for too long."""
        failing = {
            one.subscription_id: one.standing for one in standings if one.standing.has_failed_for(self._disable_after)
        }
        async with self._units.begin() as unit:
            counted = {one.subscription_id for one in minutes} | {one.subscription_id for one in standings}
            here = await lock_live(unit.conn, counted, for_change=bool(failing))
            await health.put_minutes(unit.conn, [one for one in minutes if one.subscription_id in here])
            newest = await health.put_standings(unit.conn, [one for one in standings if one.subscription_id in here])
            ending = {one: standing for one, standing in failing.items() if one in newest}
            if ending:
                await self._disable(unit, ending)

    async def _disable(self, unit: Unit, failing: dict[str, Standing]) -> None:
        active = await lock_active(unit.conn, failing)
        ending = [one for one in active if one.active_since == failing[one.id].active_since]
        since = {one.id: at for one in ending if (at := failing[one.id].failing_since) is not None}
        await disable(unit, ending, Cause(DisabledReason.FAILING, since), self._clock())
        if ending:
            _log.warning("endpoints_failing", disabled=sorted(since))
