"""The subscriptions in memory: who wants which event, and where it is sent.

Invariant: after `refresh` inside a transaction, the directory holds every change that was committed before that
transaction looked; so a subscription made before an event was published is never missed. Changes are read and taken
in by one at a time: what an older look at the database saw never comes after what a newer one did.
"""

import asyncio
from collections.abc import Callable, Iterable

from chassis.postgres import Connection
from webhook_dispatcher.domain.delivery import DiscardReason
from webhook_dispatcher.domain.events import expand
from webhook_dispatcher.domain.subscription import State, Subscription
from webhook_dispatcher.store.subscriptions import SubscriptionStore, directory_version

_UNREAD = -1


class Directory:
    """A copy of all live subscriptions, indexed by organization and type of event."""

    def __init__(self, store: SubscriptionStore) -> None:
        self._store = store
        self._refreshing = asyncio.Lock()
        self._version = _UNREAD
        self._by_id: dict[str, Subscription] = {}
        self._by_org: dict[str, dict[str, Subscription]] = {}
        self._wanted: dict[str, dict[str, tuple[Subscription, ...]]] = {}
        self._watchers: list[Callable[[str], None]] = []

    @property
    def version(self) -> int:
        """Which version of the subscriptions this is; what was read nowhere yet is no version of theirs."""
        return self._version

    @property
    def is_read(self) -> bool:
        """Whether it holds anything yet."""
        return self._version != _UNREAD

    def watch(self, changed: Callable[[str], None]) -> None:
        """Have `changed` called with the id of every subscription that was made or changed, or has ended."""
        self._watchers.append(changed)

    def active(self, subscription_id: str) -> Subscription | None:
        """Find a subscription that is sent events; None if it is disabled or deleted."""
        found = self._by_id.get(subscription_id)
        return found if found is not None and found.is_active else None

    def discard_reason(self, subscription_id: str) -> DiscardReason:
        """Tell why a subscription that is not active is sent nothing."""
        return DiscardReason.DISABLED if subscription_id in self._by_id else DiscardReason.DELETED

    def wanting(self, org_id: str, event_type: str) -> tuple[Subscription, ...]:
        """List the subscriptions of an organization that want a type of event, the disabled ones too."""
        return self._wanted.get(org_id, {}).get(event_type, ())

    async def refresh(self, conn: Connection) -> None:
        """Catch up with the committed changes; one cheap query when there are none."""
        async with self._refreshing:
            version, known = await directory_version(conn), self._version
            if version == known:
                return
            changed = await (self._store.live(conn) if known == _UNREAD else self._store.changed_since(conn, known))
            self._apply(changed)
            self._version = max(version, known)

    def _apply(self, changed: Iterable[Subscription]) -> None:
        newer = [one for one in changed if one.version > max(self._version, self._version_of(one.id))]
        for one in newer:
            mine = self._by_org.setdefault(one.org_id, {})
            if one.state is State.DELETED:
                self._by_id.pop(one.id, None)
                mine.pop(one.id, None)
            else:
                self._by_id[one.id] = mine[one.id] = one
        for org_id in {one.org_id for one in newer}:
            self._wanted[org_id] = _index(self._by_org[org_id].values())
        for one in newer:
            for tell in self._watchers:
                tell(one.id)

    def _version_of(self, subscription_id: str) -> int:
        known = self._by_id.get(subscription_id)
        return _UNREAD if known is None else known.version


def _index(subscriptions: Iterable[Subscription]) -> dict[str, tuple[Subscription, ...]]:
    index: dict[str, tuple[Subscription, ...]] = {}
    for one in subscriptions:
        for event_type in expand(one.events):
            index[event_type] = (*index.get(event_type, ()), one)
    return index
