"""Reading deliveries and their attempts.

Invariant: only the caller's organization's deliveries are seen.
"""

from chassis.postgres import Connection, Database
from webhook_dispatcher.domain.errors import InvalidCursorError, NotFoundError
from webhook_dispatcher.domain.reading import AttemptRecord, Cut, DeliveryFilter, DeliveryRecord, Page
from webhook_dispatcher.store import deliveries
from webhook_dispatcher.store.subscriptions import SubscriptionStore


class Deliveries:
    """Shows what became of events."""

    def __init__(self, database: Database, subscriptions: SubscriptionStore) -> None:
        self._database = database
        self._subscriptions = subscriptions

    async def page(self, org_id: str, subscription_id: str, wanted: DeliveryFilter, cut: Cut) -> Page[DeliveryRecord]:
        """Read a page of a subscription's deliveries, the newest event first.

        Raises:
            NotFoundError: the organization has no such subscription.
            InvalidCursorError: the page would begin behind a delivery that is not the subscription's.
        """
        async with self._database.connection() as conn:
            if await self._subscriptions.fetch(conn, org_id, subscription_id) is None:
                raise NotFoundError("there is no such subscription")
            await _check_cursor(conn, org_id, subscription_id, cut)
            return await deliveries.page(conn, subscription_id, wanted, cut)

    async def get(self, org_id: str, delivery_id: str) -> tuple[DeliveryRecord, list[AttemptRecord]]:
        """Read a delivery with its attempts.

        Raises:
            NotFoundError: the organization has no such delivery.
        """
        async with self._database.connection() as conn:
            found = await deliveries.fetch(conn, org_id, delivery_id)
            if found is None:
                raise NotFoundError("there is no such delivery")
            return found, await deliveries.attempts(conn, delivery_id)


async def _check_cursor(conn: Connection, org_id: str, subscription_id: str, cut: Cut) -> None:
    if cut.starting_after is None:
        return
    cursor = await deliveries.fetch(conn, org_id, cut.starting_after)
    if cursor is None or cursor.subscription_id != subscription_id:
        raise InvalidCursorError("the cursor names no delivery of this subscription", param="starting_after")
