"""Making, finding and revoking API keys, and recognising the one that the services call each other with.

Invariant: `find` answers a key that was revoked or has expired for at most `CACHE_SECONDS` after that instant.
"""

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import asyncpg

from chassis import migrations
from chassis.identity.callers import CLIENT_SCOPES, SCOPES, SERVICE_KEY_ID, Caller, KeyKind
from chassis.ids import new_id
from chassis.postgres import Database, database_url

DATABASE = "identity"
CACHE_SECONDS = 30.0
_CACHE_KEYS = 10_000
_KEY_BYTES = 32

K = TypeVar("K", str, bytes)


class IdentityError(Exception):
    """A key or organization cannot be made as asked; the message says why."""


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """A new key: its id, and its text, which is told this once."""

    id: str
    key: str


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What is kept of a key."""

    id: str
    org_id: str
    name: str
    kind: KeyKind
    client_id: str | None
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def state(self, now: datetime) -> str:
        """Tell in a word whether the key opens anything: `valid`, `expired` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        return "valid" if self.expires_at is None or self.expires_at > now else "expired"


async def migrate(server_url: str) -> list[str]:
    """Create and migrate the identity database; answers the files applied now."""
    return await migrations.migrate(server_url, DATABASE, ["chassis.identity"])


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="surrogateescape")).digest()  # a header may hold any bytes


class Identity:
    """Organizations and API keys, with a 30-second cache of the callers that were found.

    Args:
        database: where they are kept.
        service_keys: the keys that the services call each other with; without one no service is recognised.
    """

    def __init__(self, database: Database, service_keys: Collection[str] = ()) -> None:
        self._database = database
        self._service_digests = [_digest(key) for key in service_keys]
        self._cache: OrderedDict[str | bytes, tuple[float, Caller]] = OrderedDict()

    @classmethod
    def on(cls, server_url: str, service_keys: Collection[str] = ()) -> tuple["Identity", Database]:
        """Make an identity and the database that it reads, which the caller opens."""
        database = Database(database_url(server_url, DATABASE), pool_size=2, application="slotwire-identity")
        return cls(database, service_keys), database

    async def create_organization(self, name: str, org_id: str | None = None) -> str:
        """Create an organization and answer its id.

        Raises:
            IdentityError: when the id is taken.
        """
        made = org_id or new_id("org")
        async with self._database.connection() as connection:
            try:
                await connection.execute("INSERT INTO organizations (id, name) VALUES ($1, $2)", made, name)
            except asyncpg.UniqueViolationError as error:
                raise IdentityError(f"organization {made} exists") from error
        return made

    async def create_key(
        self,
        org_id: str,
        kind: KeyKind,
        scopes: Collection[str],
        *,
        name: str,
        client_id: str | None = None,
        expires_at: datetime | None = None,
        live: bool = False,
    ) -> CreatedKey:
        """Create a key: `wk_live_…` or `wk_test_…` and 32 random bytes.

        Raises:
            IdentityError: when the organization, a scope, or the client does not fit the kind of key.
        """
        _check(kind, scopes, client_id)
        created = CreatedKey(new_id("key"), f"wk_{'live' if live else 'test'}_{secrets.token_hex(_KEY_BYTES)}")
        async with self._database.connection() as connection:
            try:
                await connection.execute(
                    "INSERT INTO api_keys (id, org_id, name, kind, client_id, scopes, digest, expires_at)"
                    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                    created.id,
                    org_id,
                    name,
                    kind.value,
                    client_id,
                    sorted(scopes),
                    _digest(created.key),
                    expires_at,
                )
            except asyncpg.ForeignKeyViolationError as error:
                raise IdentityError(f"organization {org_id} does not exist") from error
        return created

    async def list_keys(self, org_id: str) -> list[KeyRecord]:
        """List an organization's keys, oldest first, the revoked ones too."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT id, org_id, name, kind, client_id, scopes, created_at, expires_at, revoked_at"
                " FROM api_keys WHERE org_id = $1 ORDER BY id",
                org_id,
            )
        return [KeyRecord(**{**row, "kind": KeyKind(row["kind"]), "scopes": tuple(row["scopes"])}) for row in rows]

    async def revoke_key(self, key_id: str) -> bool:
        """Revoke a key and tell whether there was one to revoke."""
        async with self._database.connection() as connection:
            done = await connection.execute(
                "UPDATE api_keys SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL", key_id
            )
        return bool(done == "UPDATE 1")

    async def find(self, key: str) -> Caller | None:
        """Find who a key's text belongs to; None when it is unknown, revoked or expired."""
        return await self._cached(_digest(key), self._read)

    def is_service_key(self, key: str) -> bool:
        """Tell, in a time that says nothing of the key, whether it is one that the services call each other with."""
        digest = _digest(key)
        return any(hmac.compare_digest(digest, one) for one in self._service_digests)

    async def service_in(self, org_id: str) -> Caller | None:
        """Answer the caller that a service is in an organization; None when there is no such organization."""
        return await self._cached(org_id, self._read_service)

    async def _cached(self, name: K, read: Callable[[K], Awaitable[Caller | None]]) -> Caller | None:
        cached = self._cache.get(name)
        if cached is not None and cached[0] > time.monotonic():
            return cached[1]
        self._cache.pop(name, None)
        caller = await read(name)
        if caller is not None:
            self._cache[name] = (time.monotonic() + CACHE_SECONDS, caller)
            if len(self._cache) > _CACHE_KEYS:
                self._cache.popitem(last=False)
        return caller

    async def _read_service(self, org_id: str) -> Caller | None:
        async with self._database.connection() as connection:
            known = await connection.fetchval("SELECT EXISTS (SELECT FROM organizations WHERE id = $1)", org_id)
        return Caller(SERVICE_KEY_ID, org_id, KeyKind.SERVICE, frozenset({"*"})) if known else None

    async def _read(self, digest: bytes) -> Caller | None:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                "SELECT id, org_id, kind, scopes, client_id FROM api_keys"
                " WHERE digest = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())",
                digest,
            )
        if row is None:
            return None
        return Caller(row["id"], row["org_id"], KeyKind(row["kind"]), frozenset(row["scopes"]), row["client_id"])


def _check(kind: KeyKind, scopes: Collection[str], client_id: str | None) -> None:
    if not scopes:
        raise IdentityError("a key needs at least one scope")
    if unknown := sorted(set(scopes) - SCOPES):
        raise IdentityError(f"unknown scope: {', '.join(unknown)}")
    if kind is KeyKind.CLIENT:
        if client_id is None:
            raise IdentityError("a client key names its client")
        if refused := sorted(set(scopes) - CLIENT_SCOPES):
            raise IdentityError(f"a client key cannot hold {', '.join(refused)}")
    elif client_id is not None:
        raise IdentityError("only a client key names a client")
