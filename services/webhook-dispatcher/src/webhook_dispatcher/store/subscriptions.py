"""Subscriptions in PostgreSQL, and the directory's version that their changes raise.

Invariants: a change is written with a version that it took while it held the directory's row, so that a reader of
version n has seen every change up to n. Nothing that is sealed is kept of a deleted one, and its row goes when nobody
can ask for it any more.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chassis.crypto import Sealer
from chassis.postgres import Connection
from webhook_dispatcher.domain.delivery import DiscardReason
from webhook_dispatcher.domain.rate_limit import RateLimit
from webhook_dispatcher.domain.reading import Cut, Page
from webhook_dispatcher.domain.retry import RetryPolicy
from webhook_dispatcher.domain.subscription import DisabledReason, Ordering, State, Subscription
from webhook_dispatcher.store.sealed import Sealed

CHANNEL = "webhook_subscriptions"

_TAKE_VERSION = "UPDATE directory SET version = version + 1 RETURNING version"
_VERSION = "SELECT version FROM directory"
_COLUMNS = (
    "id, org_id, url, events, description, headers, secret, retry, state, disabled_reason, created_at, updated_at,"
    " rate_limit, version, active_since, auth, ordering, old_secrets"
)
_INSERT = f"""
INSERT INTO subscriptions ({_COLUMNS})
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, NULL)
"""
_UPDATE = """
UPDATE subscriptions
SET url = $2, events = $3, description = $4, headers = coalesce($5, headers), retry = $6, state = $7,
    disabled_reason = $8, updated_at = $9, rate_limit = $10, version = $11, active_since = $12,
    ordering = $13
WHERE id = $1
"""
_DELETE = """
UPDATE subscriptions
SET state = 'deleted', disabled_reason = NULL, headers = NULL, secret = NULL, old_secrets = NULL, auth = NULL,
    updated_at = $2, version = $3
WHERE id = $1
"""
# A few at a time, each looked for in the index of its deliveries, day by day.
_FORGET = """
WITH forgotten AS (
    DELETE FROM subscriptions WHERE id IN (
        SELECT id FROM subscriptions
        WHERE state = 'deleted' AND updated_at < $1
            AND NOT EXISTS (SELECT FROM deliveries WHERE subscription_id = subscriptions.id)
        ORDER BY updated_at LIMIT $2
    )
    RETURNING id
), jobs AS (
    DELETE FROM replays USING forgotten WHERE subscription_id = forgotten.id
)
SELECT count(*) FROM forgotten
"""
_SET_AUTH = "UPDATE subscriptions SET auth = $2 WHERE id = $1"
_ROTATE = """
UPDATE subscriptions SET secret = $2, old_secrets = $3, updated_at = $4, version = $5 WHERE id = $1
"""
_COUNT = "SELECT count(*) FROM subscriptions WHERE org_id = $1 AND state <> 'deleted'"
_FETCH = f"SELECT {_COLUMNS} FROM subscriptions WHERE org_id = $1 AND id = $2 AND state <> 'deleted'"
_PAGE = f"""
SELECT {_COLUMNS} FROM subscriptions
WHERE org_id = $1 AND state <> 'deleted' AND id < coalesce($2, '~')
ORDER BY id DESC LIMIT $3
"""
_LIVE = f"SELECT {_COLUMNS} FROM subscriptions WHERE state <> 'deleted'"
_SINCE = f"SELECT {_COLUMNS} FROM subscriptions WHERE version > $1"
_LOCK_ACTIVE = """
SELECT id, url, active_since, updated_at, last_event_id FROM subscriptions
WHERE id = ANY ($1::text[]) AND state = 'active' ORDER BY id FOR UPDATE
"""
_LOCK_LIVE = "SELECT id FROM subscriptions WHERE id = ANY ($1::text[]) AND state <> 'deleted' ORDER BY id"
_ENDED = "SELECT id FROM subscriptions WHERE id = ANY ($1::text[]) AND state <> 'active' ORDER BY id"
_LOCK_ENDED = "SELECT state FROM subscriptions WHERE id = $1 AND state <> 'active' FOR UPDATE"
_DISABLE = """
UPDATE subscriptions
SET state = 'disabled', disabled_reason = $3, updated_at = $4, version = $5, sequence = sequence + 1,
    last_event_id = told.event_id
FROM unnest($1::text[], $2::text[]) AS told (subscription_id, event_id)
WHERE id = told.subscription_id
RETURNING id, org_id, url, events, description, created_at, updated_at, sequence
"""


@dataclass(frozen=True, slots=True)
class Active:
    """An active subscription, as far as its end goes."""

    id: str
    url: str
    active_since: datetime
    updated_at: datetime
    last_event_id: str | None


@dataclass(frozen=True, slots=True)
class Disabled:
    """A subscription right after it was disabled, as its event tells of it; `sequence` is the event's."""

    id: str
    org_id: str
    url: str
    events: Sequence[str]
    description: str | None
    created_at: datetime
    updated_at: datetime
    sequence: int


class SubscriptionStore:
    """Reads and writes subscriptions; their secrets and headers lie sealed."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealed = Sealed(sealer)

    async def insert(self, conn: Connection, one: Subscription, secret: bytes) -> None:
        """Write a new subscription with its secret, and tell every dispatcher."""
        version = await _raise_version(conn)
        await conn.execute(
            _INSERT,
            one.id,
            one.org_id,
            one.url,
            list(one.events),
            one.description,
            self._sealed.headers(one.id, one.headers),
            self._sealed.secret(one.id, secret),
            _pauses(one),
            one.state,
            one.disabled_reason,
            one.created_at,
            one.updated_at,
            _per_second(one),
            version,
            one.active_since,
            self._sealed.auth(one.id, one.auth),
            one.ordering,
        )

    async def count(self, conn: Connection, org_id: str) -> int:
        """Count an organization's subscriptions that are not deleted.

        Behind a change in the same transaction the count is right and stays so until its end: the change holds the
        directory's row, which every other one waits for.
        """
        found: int = await conn.fetchval(_COUNT, org_id)
        return found

    async def update(self, conn: Connection, before: Subscription, after: Subscription) -> None:
        """Write what may change of a subscription, and tell every dispatcher.

        Headers and auth are written only if they were changed: what could not be opened stays as it was sealed.
        """
        version = await _raise_version(conn)
        await conn.execute(
            _UPDATE,
            after.id,
            after.url,
            list(after.events),
            after.description,
            None if after.headers == before.headers else self._sealed.headers(after.id, after.headers),
            _pauses(after),
            after.state,
            after.disabled_reason,
            after.updated_at,
            _per_second(after),
            version,
            after.active_since,
            after.ordering,
        )
        if after.auth != before.auth:
            await conn.execute(_SET_AUTH, after.id, self._sealed.auth(after.id, after.auth))

    async def delete(self, conn: Connection, one: Subscription) -> None:
        """Delete a subscription, all that is sealed of it at once, and tell every dispatcher."""
        version = await _raise_version(conn)
        await conn.execute(_DELETE, one.id, one.updated_at, version)

    async def rotate(self, conn: Connection, after: Subscription, secret: bytes) -> None:
        """Write a subscription's new secret and the old ones, and tell every dispatcher."""
        version = await _raise_version(conn)
        await conn.execute(
            _ROTATE,
            after.id,
            self._sealed.secret(after.id, secret),
            self._sealed.old_secrets(after.id, after.old_secrets),
            after.updated_at,
            version,
        )

    async def fetch(
        self, conn: Connection, org_id: str, subscription_id: str, *, lock: bool = False
    ) -> Subscription | None:
        """Read a subscription that is not deleted, and lock its row for a change if asked."""
        row = await conn.fetchrow(_FETCH + " FOR UPDATE" * lock, org_id, subscription_id)
        return None if row is None else self._read(row)

    async def page(self, conn: Connection, org_id: str, cut: Cut) -> Page[Subscription]:
        """Read a page of an organization's subscriptions, the newest first."""
        rows = await conn.fetch(_PAGE, org_id, cut.starting_after, cut.limit + 1)
        return Page([self._read(row) for row in rows[: cut.limit]], len(rows) > cut.limit)

    async def live(self, conn: Connection) -> list[Subscription]:
        """Read every subscription that is not deleted."""
        return [self._read(row) for row in await conn.fetch(_LIVE)]

    async def changed_since(self, conn: Connection, version: int) -> list[Subscription]:
        """Read what changed after a version of the directory, the deleted ones too."""
        return [self._read(row) for row in await conn.fetch(_SINCE, version)]

    def _read(self, row: Any) -> Subscription:
        return Subscription(
            id=row["id"],
            org_id=row["org_id"],
            url=row["url"],
            events=tuple(row["events"]),
            description=row["description"],
            headers=self._sealed.read_headers(row),
            secret=self._sealed.read_secret(row),
            retry=None if row["retry"] is None else RetryPolicy(tuple(row["retry"])),
            state=State(row["state"]),
            disabled_reason=None if row["disabled_reason"] is None else DisabledReason(row["disabled_reason"]),
            created_at=row["created_at"],
            updated_at=row["updated_at"],
            active_since=row["active_since"],
            ordering=Ordering(row["ordering"]),
            rate_limit=None if row["rate_limit"] is None else RateLimit(row["rate_limit"]),
            version=row["version"],
            old_secrets=self._sealed.read_old_secrets(row),
            auth=self._sealed.read_auth(row),
        )


async def forget(conn: Connection, before: datetime, at_most: int) -> int:
    """Remove some subscriptions that were deleted before an instant, with their jobs, and answer how many.

    One that a delivery is kept of stays: whoever holds the delivery is to be told of the deletion.
    """
    number: int = await conn.fetchval(_FORGET, before, at_most)
    return number


async def directory_version(conn: Connection) -> int:
    """Tell the directory's present version."""
    version: int = await conn.fetchval(_VERSION)
    return version


async def lock_active(conn: Connection, subscription_ids: Collection[str]) -> list[Active]:
    """Lock those of some subscriptions that are active, and read them.

    Rows are locked in one order, and before the directory's, as every change does.
    """
    return [Active(**row) for row in await conn.fetch(_LOCK_ACTIVE, list(subscription_ids))]


async def lock_live(conn: Connection, subscription_ids: Collection[str], *, for_change: bool) -> set[str]:
    """Keep those of some subscriptions that are not deleted from being deleted, and answer their ids.

    Rows are locked in one order. A lock cannot be made stronger without a danger of deadlock, so whoever may change one
    of them says so.
    """
    lock = " FOR UPDATE" if for_change else " FOR KEY SHARE"
    return {row["id"] for row in await conn.fetch(_LOCK_LIVE + lock, list(subscription_ids))}


async def ended(conn: Connection, subscription_ids: Collection[str]) -> list[str]:
    """Tell which of some subscriptions are disabled or deleted."""
    return [row["id"] for row in await conn.fetch(_ENDED, list(subscription_ids))]


async def lock_ended(conn: Connection, subscription_id: str) -> DiscardReason | None:
    """Lock a subscription that is disabled or deleted, and tell why its deliveries are sent nowhere."""
    state = await conn.fetchval(_LOCK_ENDED, subscription_id)
    return None if state is None else DiscardReason(state)


async def disable(
    conn: Connection, event_ids: Mapping[str, str], reason: DisabledReason, at: datetime
) -> list[Disabled]:
    """Disable subscriptions that are locked, and tell every dispatcher.

    Args:
        conn: a connection in a transaction.
        event_ids: their ids, each with the id of the event that tells of it.
        reason: why.
        at: when.
    """
    version = await _raise_version(conn)
    rows = await conn.fetch(_DISABLE, list(event_ids), list(event_ids.values()), reason, at, version)
    return [Disabled(**row) for row in rows]


async def _raise_version(conn: Connection) -> int:
    """Take the next version, which no other change can have before this transaction ends."""
    version: int = await conn.fetchval(_TAKE_VERSION)
    await conn.execute(f"NOTIFY {CHANNEL}")
    return version


def _pauses(subscription: Subscription) -> list[float] | None:
    return None if subscription.retry is None else list(subscription.retry.pauses)


def _per_second(subscription: Subscription) -> float | None:
    return None if subscription.rate_limit is None else subscription.rate_limit.per_second
