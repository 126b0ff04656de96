"""Taking Cal.com's webhooks in: who sent one is checked, and what it is about is marked to be read again.

Invariant: what is answered as taken is in the database; whoever cannot sign learns nothing, not even which
organizations there are. What nobody can have signed costs no look into the database; and while strangers flood us, what
was not signed with the secrets of a moment ago costs none either, whatever organization it names: those of all are read
at once, and kept for no longer than that moment.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import assert_never

from calcom_sync.domain.errors import Flaw, UnauthenticatedError, ValidationFailedError
from calcom_sync.domain.webhooks import Malformed, Nothing, Refetch, is_genuine, meaning, replay_key, signed_with
from calcom_sync.store import webhooks
from calcom_sync.store.integrations import IntegrationStore
from chassis.clock import Clock
from chassis.postgres import Database

_NOBODYS = (secrets.token_urlsafe(),)  # is compared with where there is no secret, so that it takes as long
_A_MOMENT = 10.0  # seconds


class Taken(StrEnum):
    """What became of a genuine webhook."""

    MARKED = "marked"
    REPEATED = "repeated"
    """It came before."""
    PING = "ping"
    NOTHING = "nothing"
    """It is about no booking."""


class Webhooks:
    """Takes webhooks in.

    Args:
        database: the service's database.
        store: reads integrations.
        clock: tells the time.
        wake: tells whoever reads bookings again that one is marked.
    """

    def __init__(self, database: Database, store: IntegrationStore, clock: Clock, wake: Callable[[], None]) -> None:
        self._database = database
        self._store = store
        self._clock = clock
        self._wake = wake
        self._lately: Mapping[str, tuple[str, ...]] | None = None
        self._looking = asyncio.Lock()

    async def check(self, org_id: str, body: bytes, signed: str | None, *, is_flood: bool) -> None:
        """Check that an organization's Cal.com sent a webhook.

        Args:
            org_id: whose it is said to be.
            body: as it came.
            signed: its signature, if it has one.
            is_flood: whether strangers send more than is heard; what was known a moment ago is enough to refuse then.

        Raises:
            UnauthenticatedError: it did not, or there is no such organization, or it has no integration.
        """
        given = signed_with(signed)
        if given is None:
            raise _unsigned()
        if is_flood and not is_genuine((await self._of_all()).get(org_id, _NOBODYS), body, given):
            raise _unsigned()
        async with self._database.connection() as conn:
            found = await self._store.fetch(conn, org_id)
        known = () if found is None else found.secrets(self._clock())
        if not is_genuine(known or _NOBODYS, body, given):
            raise _unsigned()

    async def _of_all(self) -> Mapping[str, tuple[str, ...]]:
        """Tell the secrets that each organization had a moment ago; one looks, however many ask."""
        async with self._looking:
            if self._lately is None:
                async with self._database.connection() as conn:
                    self._lately = await self._store.secrets(conn, self._clock())
                asyncio.get_running_loop().call_later(_A_MOMENT, self._forget)
            return self._lately

    def _forget(self) -> None:
        self._lately = None

    async def take(self, org_id: str, body: bytes) -> Taken:
        """Take a genuine webhook in.

        Raises:
            ValidationFailedError: it cannot be read.
        """
        match meaning(body):
            case Malformed(param, message):
                raise ValidationFailedError(Flaw(param, message, "webhook"))
            case Nothing(is_ping=is_ping):
                return Taken.PING if is_ping else Taken.NOTHING
            case Refetch() as told:
                return await self._mark(org_id, body, told)
            case other:
                assert_never(other)

    async def _mark(self, org_id: str, body: bytes, told: Refetch) -> Taken:
        async with self._database.transaction() as conn:
            if told.is_unique and not await webhooks.note(conn, org_id, replay_key(body)):
                return Taken.REPEATED
            await webhooks.mark(conn, org_id, told.uids, told.said_at, self._clock())
        self._wake()
        return Taken.MARKED


def _unsigned() -> UnauthenticatedError:
    return UnauthenticatedError("the webhook is not signed with this organization's secret")
