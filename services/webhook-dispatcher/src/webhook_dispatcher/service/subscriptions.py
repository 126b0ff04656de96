"""Use cases on subscriptions.

Invariants: a change of a subscription changes no delivery: what waits of one that ends is discarded afterwards, all of
it before it is enabled again; no look-up of a name happens inside a transaction; a caller is told of every field that
breaks a rule.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, assert_never

from chassis.clock import Clock
from chassis.idempotency import Once
from chassis.outbound import Guard, RefusedUrlError
from chassis.postgres import Connection, Database
from chassis.unit import UnitOfWork
from webhook_dispatcher.client.certificates import check_certificate
from webhook_dispatcher.domain.auth import Auth, ClientCredentials, GivenAuth, GivenCertificate, check_fit
from webhook_dispatcher.domain.errors import (
    Flaw,
    Flaws,
    InvalidCursorError,
    NotFoundError,
    StillDiscardingError,
    TooManySubscriptionsError,
    ValidationFailedError,
    about,
)
from webhook_dispatcher.domain.events import check_patterns
from webhook_dispatcher.domain.headers import check_headers
from webhook_dispatcher.domain.rate_limit import parse_rate_limit
from webhook_dispatcher.domain.reading import Cut, Page
from webhook_dispatcher.domain.replay import BoundedCount
from webhook_dispatcher.domain.retry import parse_policy
from webhook_dispatcher.domain.rotation import retire
from webhook_dispatcher.domain.signature import SECRET_BYTES, parse_secret
from webhook_dispatcher.domain.subscription import DisabledReason, Ordering, State, Subscription
from webhook_dispatcher.service.disabling import Cause, disable
from webhook_dispatcher.service.discarding import Discarding
from webhook_dispatcher.store import health, reopening
from webhook_dispatcher.store.subscriptions import SubscriptionStore, lock_active

_COUNTED = 10_000  # failed deliveries, when a subscription is enabled
_PATIENCE_SECONDS = 10.0  # for the rest of what is discarded, then


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a caller asks of a new subscription; its secret is made here when it is None."""

    url: str
    events: Sequence[str]
    description: str | None
    headers: Mapping[str, str] = field(repr=False)
    secret: str | None = field(repr=False)
    ordering: str
    retry: object
    rate_limit: object
    auth: GivenAuth | None

    @property
    def fields(self) -> dict[str, object]:
        """All that is given, by name."""
        told = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in told.items() if name != "secret" or value is not None}


@dataclass(frozen=True, slots=True)
class Rotated:
    """A subscription with its new secret, and when the one that it replaces signs no more."""

    subscription: Subscription
    secret: bytes = field(repr=False)
    old_until: datetime | None


class Subscriptions:
    """Makes, shows and changes an organization's subscriptions."""

    def __init__(
        self,
        units: UnitOfWork,
        database: Database,
        store: SubscriptionStore,
        guard: Guard,
        discarding: Discarding,
        *,
        clock: Clock,
        new_id: Callable[[str], str],
        allow_http: bool,
        at_most: int,
    ) -> None:
        self._units = units
        self._database = database
        self._store = store
        self._guard = guard
        self._discarding = discarding
        self._clock = clock
        self._new_id = new_id
        self._allow_http = allow_http
        self._at_most = at_most
        self._checks: Mapping[str, Callable[[Any], Awaitable[object]]] = {
            "url": self._check_url,
            "events": _at_once(check_patterns),
            "headers": _at_once(check_headers),
            "secret": _at_once(parse_secret),
            "retry": _at_once(parse_policy),
            "rate_limit": _at_once(parse_rate_limit),
            "ordering": _at_once(Ordering),
            "auth": self._check_auth,
        }

    async def create(self, org_id: str, wanted: Wanted, once: Once | None) -> tuple[Subscription, bytes]:
        """Make a subscription, and answer it with its secret.

        Raises:
            ValidationFailedError: something about it breaks a rule (api.md section 4).
            TooManySubscriptionsError: the organization may have no more.
        """
        now = self._clock()
        checked = await self._checked(wanted.fields)
        secret: bytes = checked.pop("secret", None) or secrets.token_bytes(SECRET_BYTES)
        made = Subscription(
            id=self._new_id("sub"),
            org_id=org_id,
            secret=secret,
            state=State.ACTIVE,
            disabled_reason=None,
            created_at=now,
            updated_at=now,
            active_since=now,
            **checked,
        )
        check_fit(made.url, made.headers, made.auth)
        async with self._units.begin(once) as unit:
            await self._store.insert(unit.conn, made, secret)
            await self._check_number(unit.conn, org_id)
            unit.answer((made, secret))
        return made, secret

    async def get(self, org_id: str, subscription_id: str) -> Subscription:
        """Read a subscription.

        Raises:
            NotFoundError: the organization has none with this id.
        """
        async with self._database.connection() as conn:
            return await self._find(conn, org_id, subscription_id)

    async def page(self, org_id: str, cut: Cut) -> Page[Subscription]:
        """Read a page of the organization's subscriptions, the newest first.

        Raises:
            InvalidCursorError: the page would begin behind one that is not there.
        """
        async with self._database.connection() as conn:
            if cut.starting_after is not None:
                await self._find_cursor(conn, org_id, cut.starting_after)
            return await self._store.page(conn, org_id, cut)

    async def change(self, org_id: str, subscription_id: str, fields: Mapping[str, object]) -> Subscription:
        """Change some of what was wanted, all but the secret, from the next attempt on.

        Raises:
            NotFoundError: the organization has none with this id.
            ValidationFailedError: fields break rules.
        """
        checked = await self._checked(fields)
        async with self._units.begin() as unit:
            before = await self._find(unit.conn, org_id, subscription_id, lock=True)
            after = replace(before, **checked)
            check_fit(after.url, after.headers, after.auth)
            return before if after == before else await self._write(unit.conn, before, after)

    async def rotate_secret(self, org_id: str, subscription_id: str, secret: str | None, once: Once | None) -> Rotated:
        """Sign with a new secret from now on, and for a while with the present one too.

        Args:
            org_id: whose subscription it is.
            subscription_id: which one.
            secret: the new secret; it is made here when it is None.
            once: the request's idempotency key, if it has one.

        Raises:
            NotFoundError: the organization has none with this id.
            ValidationFailedError: the new secret is none, or the present one.
        """
        key = secrets.token_bytes(SECRET_BYTES) if secret is None else parse_secret(secret)
        async with self._units.begin(once) as unit:
            before = await self._find(unit.conn, org_id, subscription_id, lock=True)
            now = self._clock()
            old = retire(before.secret, before.old_secrets, key, now)
            after = replace(before, secret=key, old_secrets=old, updated_at=now)
            await self._store.rotate(unit.conn, after, key)
            rotated = Rotated(after, key, old[0].until if old else None)
            unit.answer(rotated)
        return rotated

    async def enable(self, org_id: str, subscription_id: str, once: Once | None) -> tuple[Subscription, BoundedCount]:
        """Send events again, those that come from now on, and tell how many deliveries a recovery could open again.

        What was pending when it was disabled is discarded first, as far as that is not yet done.

        Raises:
            NotFoundError: the organization has none with this id.
            StillDiscardingError: so much is left to discard that the caller had better come back.
        """
        await self.get(org_id, subscription_id)
        if not await self._discarding.finish(subscription_id, _PATIENCE_SECONDS):
            raise StillDiscardingError(
                "what was pending when the subscription was disabled is still being discarded; enable it a little later"
            )
        async with self._units.begin(once) as unit:
            one = await self._find(unit.conn, org_id, subscription_id, lock=True)
            if not one.is_active:
                one = await self._write(unit.conn, one, replace(one, state=State.ACTIVE, disabled_reason=None))
            failed = await reopening.count_failed(unit.conn, one.id, None, None, at_most=_COUNTED + 1)
            enabled = one, BoundedCount.bounded(failed, _COUNTED)
            unit.answer(enabled)
        return enabled

    async def disable(
        self, org_id: str, subscription_id: str, once: Once | None, *, request_id: str, traceparent: str | None
    ) -> Subscription:
        """Stop sending, and tell of it: what comes is discarded, and soon what is pending.

        Raises:
            NotFoundError: the organization has none with this id.
        """
        cause = Cause(DisabledReason.REQUESTED, request_id=request_id, traceparent=traceparent)
        async with self._units.begin(once) as unit:
            await self._find(unit.conn, org_id, subscription_id, lock=True)
            await disable(unit, await lock_active(unit.conn, [subscription_id]), cause, self._clock())
            one = await self._find(unit.conn, org_id, subscription_id)
            unit.answer(one)
        return one

    async def delete(self, org_id: str, subscription_id: str) -> Subscription:
        """Delete a subscription; what is pending is discarded soon.

        Raises:
            NotFoundError: the organization has none with this id.
        """
        async with self._units.begin() as unit:
            before = await self._find(unit.conn, org_id, subscription_id, lock=True)
            after = replace(before, state=State.DELETED, disabled_reason=None, updated_at=self._clock())
            await self._store.delete(unit.conn, after)
            await health.forget(unit.conn, after.id)
        return after

    async def _write(self, conn: Connection, before: Subscription, after: Subscription) -> Subscription:
        now = self._clock()
        stamped = replace(after, updated_at=now, active_since=now if after.starts_anew(before) else after.active_since)
        await self._store.update(conn, before, stamped)
        return stamped

    async def _checked(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Check fields, whose types are those of the API's models, and answer them as a subscription holds them."""
        flaws = Flaws()
        checked = dict(fields)
        for name, value in fields.items():
            with flaws.gathered():
                if name in self._checks:
                    checked[name] = await self._checks[name](value)
        flaws.tell()
        return checked

    async def _check_url(self, url: str) -> str:
        try:
            await self._guard.vet(url, allow_http=self._allow_http)
        except RefusedUrlError as refused:
            raise ValidationFailedError(Flaw("url", refused.message, refused.rule)) from None
        return url

    async def _check_auth(self, given: GivenAuth | None) -> Auth | None:
        match given:
            case None:
                return None
            case GivenCertificate():
                return await asyncio.to_thread(check_certificate, given, self._clock())
            case ClientCredentials(token_url=token_url):
                with about("auth.token_url"):
                    await self._check_url(token_url)
                return given
            case _:
                assert_never(given)

    async def _check_number(self, conn: Connection, org_id: str) -> None:
        if await self._store.count(conn, org_id) > self._at_most:
            raise TooManySubscriptionsError(
                f"the organization may have {self._at_most} subscriptions and has them; delete one first"
            )

    async def _find(self, conn: Connection, org_id: str, subscription_id: str, *, lock: bool = False) -> Subscription:
        found = await self._store.fetch(conn, org_id, subscription_id, lock=lock)
        if found is None:
            raise NotFoundError("there is no such subscription")
        return found

    async def _find_cursor(self, conn: Connection, org_id: str, subscription_id: str) -> None:
        if await self._store.fetch(conn, org_id, subscription_id) is None:
            raise InvalidCursorError("the cursor names no subscription", param="starting_after")


def _at_once(check: Callable[[Any], object]) -> Callable[[Any], Awaitable[object]]:
    """Let a check that looks nothing up stand beside those that do."""

    async def checked(value: Any) -> object:
        return check(value)

    return checked
