"""Idempotency keys: a POST that is sent twice changes once, and both get the same answer.

Invariants: the key's row is written in the transaction of the change itself; only answers of changes that were
committed are kept, sealed, for 24 hours.
"""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from chassis.crypto import Sealer
from chassis.lifecycle import Stop
from chassis.postgres import Connection, Database

KEPT = timedelta(hours=24)
_KEPT = f"{KEPT.total_seconds():.0f} seconds"
_SWEEP_SECONDS = 60.0
_SWEEP_ROWS = 1_000

_FIND = f"""
SELECT fingerprint, status, answer FROM idempotency_keys
WHERE scope = $1 AND created_at > now() - interval '{_KEPT}'
"""
_KEEP = """
INSERT INTO idempotency_keys (scope, fingerprint, status, answer) VALUES ($1, $2, $3, $4)
ON CONFLICT (scope) DO UPDATE
SET fingerprint = excluded.fingerprint, status = excluded.status, answer = excluded.answer, created_at = now()
"""
_COLUMNS = ("bytea", "bytea", "integer", "bytea")
_SWEEP = f"""
DELETE FROM idempotency_keys WHERE scope IN (
    SELECT scope FROM idempotency_keys WHERE created_at < now() - interval '{_KEPT}' LIMIT $1
)
"""


class IdempotencyKeyReusedError(Exception):
    """The key came before with another body."""


class IdempotencyInProgressError(Exception):
    """A request with this key is running now."""


class AnsweredBeforeError(Exception):
    """The request was answered before; `status` and `body` are that answer."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__("answered before")
        self.status = status
        self.body = body


@dataclass(slots=True)
class Once:
    """One request's idempotency key: where it is kept, what its body was, and how its result is rendered.

    Attributes:
        answer: what is kept for a repetition, and so is the answer to the request itself; None until there is one.
    """

    scope: bytes
    fingerprint: bytes
    status: int
    render: Callable[[Any], bytes]
    sealer: Sealer
    answer: bytes | None = field(default=None, init=False)

    async def enter(self, connection: Connection) -> None:
        """Go on when the key is new; called first inside the transaction of the change.

        Raises:
            AnsweredBeforeError, IdempotencyKeyReusedError: as `look` says.
            IdempotencyInProgressError: when a twin of the request holds the key.
        """
        free = await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _lock_number(self.scope))
        if not free:
            raise IdempotencyInProgressError
        await self.look(connection)

    async def look(self, connection: Connection) -> None:
        """Go on when the key is new.

        Raises:
            AnsweredBeforeError: with the answer that the same request got.
            IdempotencyKeyReusedError: when the key came with another body.
        """
        row = await connection.fetchrow(_FIND, self.scope)
        if row is None:
            return
        self.check(row["fingerprint"])
        raise AnsweredBeforeError(row["status"], self.sealer.open(row["answer"], context=self.scope))

    def check(self, fingerprint: bytes) -> None:
        """Go on when the key came with the same body.

        Raises:
            IdempotencyKeyReusedError: when it came with another one.
        """
        if fingerprint != self.fingerprint:
            raise IdempotencyKeyReusedError

    async def remember(self, connection: Connection, result: object) -> None:
        """Keep the answer; called last inside the transaction of the change."""
        await connection.execute(_KEEP, *self.columns(result))

    def columns(self, result: object) -> list[object]:
        """Lay the answer out as the parameters of `insertion`."""
        self.answer = self.render(result)
        return [self.scope, self.fingerprint, self.status, self.sealer.seal(self.answer, context=self.scope)]


def insertion(first: int) -> str:
    """Write an INSERT of an answer, to be a part of the one statement that makes the change.

    It returns a row, unless a twin of the request was quicker: then the whole statement is to fail, so that nothing is
    changed twice.

    Args:
        first: the number of its first own parameter; they are `Once.columns`.
    """
    values = ", ".join(f"${first + place}::{kind}" for place, kind in enumerate(_COLUMNS))
    return f"""
    INSERT INTO idempotency_keys (scope, fingerprint, status, answer) VALUES ({values})
    ON CONFLICT (scope) DO UPDATE
    SET fingerprint = excluded.fingerprint, status = excluded.status, answer = excluded.answer, created_at = now()
    WHERE idempotency_keys.created_at <= now() - interval '{_KEPT}'
    RETURNING 1
    """


def scope_of(*parts: str) -> bytes:
    """Tell where a key is kept: the SHA-256 of organization, API key, method, path and Idempotency-Key."""
    return hashlib.sha256("\0".join(parts).encode()).digest()


def _lock_number(scope: bytes) -> int:
    return int.from_bytes(scope[:8], "big", signed=True)


async def sweep(database: Database, stop: Stop) -> None:
    """Delete what is older than 24 hours, a little at a time, until asked to stop."""
    while not await stop.wait(_SWEEP_SECONDS):
        deleted = "DELETE 1"
        while deleted != "DELETE 0" and not stop.is_set():
            async with database.connection() as connection:
                deleted = await connection.execute(_SWEEP, _SWEEP_ROWS)
            await asyncio.sleep(0)
