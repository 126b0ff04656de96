"""Use cases on integrations.

Invariant: what is refused changes nothing; a webhook secret is told to whoever has it made, this once.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from calcom_sync.domain.errors import Flaw, NotFoundError, ValidationFailedError
from calcom_sync.domain.integration import SECRET_GRACE, Integration, Terms, check, ends_of
from calcom_sync.store import releases
from calcom_sync.store.integrations import IntegrationStore
from chassis.clock import Clock
from chassis.outbound import Guard, RefusedUrlError
from chassis.postgres import Database


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be set.

    Attributes:
        terms: the settings.
        api_key: the API key; None keeps the present one.
        new_secret: whether the webhooks' secret is to be made anew.
    """

    terms: Terms
    api_key: str | None = field(repr=False)
    new_secret: bool


@dataclass(frozen=True, slots=True)
class Saved:
    """An integration that was set, and the webhooks' secret if it was made for it."""

    integration: Integration
    made_secret: str | None = field(repr=False)


class Integrations:
    """What organizations have set up.

    Args:
        database: the service's database.
        store: reads and writes integrations.
        guard: tells which addresses may be connected to.
        clock: tells the time.
        make_secret: makes a webhooks' secret.
        allow_http: whether Cal.com may be asked without TLS.
    """

    def __init__(
        self,
        database: Database,
        store: IntegrationStore,
        guard: Guard,
        *,
        clock: Clock,
        make_secret: Callable[[], str],
        allow_http: bool,
    ) -> None:
        self._database = database
        self._store = store
        self._guard = guard
        self._clock = clock
        self._make_secret = make_secret
        self._allow_http = allow_http

    async def get(self, org_id: str) -> Integration:
        """Read an organization's integration.

        Raises:
            NotFoundError: it has none.
        """
        async with self._database.connection() as conn:
            found = await self._store.fetch(conn, org_id)
        return _there(found)

    async def put(self, org_id: str, wanted: Wanted) -> Saved:
        """Set an organization's integration.

        Raises:
            ValidationFailedError: it cannot be like that.
        """
        await self._check_url(wanted.terms.base_url)
        async with self._database.transaction() as conn:
            await self._store.lock(conn, org_id)
            present = await self._store.fetch(conn, org_id)
            check(wanted.terms, wanted.api_key, present)
            done = self._set(org_id, wanted, present)
            one = done.integration
            if one.api_key is None or one.webhook_secret is None:
                raise _unreadable(one)
            await self._store.put(conn, one, api_key=one.api_key, webhook_secret=one.webhook_secret)
            await releases.end(conn, org_id)
        return done

    async def delete(self, org_id: str) -> None:
        """Delete an organization's integration; the bookings that it brought stay, and their times become changeable.

        Raises:
            NotFoundError: it has none.
        """
        async with self._database.transaction() as conn:
            if not await self._store.delete(conn, org_id):
                raise _missing()
            await releases.ask(conn, org_id)

    def _set(self, org_id: str, wanted: Wanted, present: Integration | None) -> Saved:
        now = self._clock()
        made = self._make_secret() if present is None or wanted.new_secret else None
        kept_secret = present.webhook_secret if present else None
        old_secret, old_ends = (present.old_secret, present.old_secret_ends_at) if present else (None, None)
        if made and kept_secret:
            old_secret, old_ends = kept_secret, now + SECRET_GRACE
        kept_key, kept_ends = (present.api_key, present.api_key_ends) if present else (None, "")
        one = Integration(
            org_id=org_id,
            terms=wanted.terms,
            api_key=wanted.api_key or kept_key,
            api_key_ends=ends_of(wanted.api_key) if wanted.api_key else kept_ends,
            webhook_secret=made or kept_secret,
            created_at=present.created_at if present else now,
            updated_at=now,
            old_secret=old_secret,
            old_secret_ends_at=old_ends,
        )
        return Saved(one, made)

    async def _check_url(self, base_url: str) -> None:
        try:
            await self._guard.vet(base_url, allow_http=self._allow_http)
        except RefusedUrlError as refused:
            raise ValidationFailedError(Flaw("base_url", refused.message, refused.rule)) from None
        if "?" in base_url:
            raise ValidationFailedError(Flaw("base_url", "must not have a query", "query"))


def _unreadable(one: Integration) -> ValidationFailedError:
    """Tell what has to be given again, since no key for secrets at rest opens what is there."""
    if one.api_key is None:
        return ValidationFailedError(Flaw("api_key", "must be given again; the present one cannot be read", "missing"))
    return ValidationFailedError(
        Flaw("rotate_webhook_secret", "must be true; the present secret cannot be read", "missing")
    )


def _there(found: Integration | None) -> Integration:
    if found is None:
        raise _missing()
    return found


def _missing() -> NotFoundError:
    return NotFoundError("the organization has no integration with Cal.com")
