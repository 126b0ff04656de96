"""Integrations in their table; API keys and webhook secrets lie sealed there.

Invariant: a sealed value opens in its own row and column alone; one that no key at hand opens is told as None, so that
it stops nobody else.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

import structlog

from calcom_sync.domain.integration import Integration, Pagination, Placement, Terms
from chassis.crypto import Sealer, SealError
from chassis.postgres import Connection
from chassis.resealing import SealedTable

_log = structlog.get_logger(__name__)

TABLE = SealedTable("integrations", "org_id", ("api_key", "webhook_secret", "old_secret"))
_TERMS = (
    "base_url",
    "api_version",
    "pagination",
    "schedules",
    "default_schedule_id",
    "times_editable",
    "sync_interval_seconds",
    "enabled",
)
_COLUMNS = (
    *_TERMS,
    "api_key",
    "api_key_ends",
    "webhook_secret",
    "old_secret",
    "old_secret_ends_at",
    "created_at",
    "updated_at",
)
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('integrations/' || $1, 0))"
_FETCH = "SELECT * FROM integrations WHERE org_id = $1"
_SECRETS = """
SELECT org_id, webhook_secret, CASE WHEN old_secret_ends_at > $1 THEN old_secret END AS old_secret FROM integrations
"""
_PUT = f"""
INSERT INTO integrations (org_id, {", ".join(_COLUMNS)})
VALUES ($1, {", ".join(f"${place}" for place in range(2, len(_COLUMNS) + 2))})
ON CONFLICT (org_id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS)}
"""
_DELETE = "DELETE FROM integrations WHERE org_id = $1 RETURNING true"


class IntegrationStore:
    """Reads and writes integrations."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    async def lock(self, conn: Connection, org_id: str) -> None:
        """Wait until nobody else changes an organization's integration, though there be none yet."""
        await conn.execute(_LOCK, org_id)

    async def fetch(self, conn: Connection, org_id: str) -> Integration | None:
        """Read an organization's integration, or None."""
        row = await conn.fetchrow(_FETCH, org_id)
        return None if row is None else self._integration(row)

    async def secrets(self, conn: Connection, now: datetime) -> dict[str, tuple[str, ...]]:
        """Read with which secrets webhooks may be signed now, of each organization that has any."""
        return await asyncio.to_thread(self._secrets, await conn.fetch(_SECRETS, now))

    def _secrets(self, rows: Iterable[Any]) -> dict[str, tuple[str, ...]]:
        opened = ((row["org_id"], self._open(row, "webhook_secret"), self._open(row, "old_secret")) for row in rows)
        found = {org_id: tuple(one for one in (new, old) if one is not None) for org_id, new, old in opened}
        return {org_id: known for org_id, known in found.items() if known}

    async def put(self, conn: Connection, one: Integration, *, api_key: str, webhook_secret: str) -> None:
        """Write an integration, in the place of the one that is there.

        Args:
            conn: the connection.
            one: what is to be written, but for
            api_key: the API key, and
            webhook_secret: the webhooks' secret, which are sealed.
        """
        values: dict[str, Any] = {
            **asdict(one.terms),
            "api_key": self._seal(one.org_id, "api_key", api_key),
            "api_key_ends": one.api_key_ends,
            "webhook_secret": self._seal(one.org_id, "webhook_secret", webhook_secret),
            "old_secret": None if one.old_secret is None else self._seal(one.org_id, "old_secret", one.old_secret),
            "old_secret_ends_at": one.old_secret_ends_at,
            "created_at": one.created_at,
            "updated_at": one.updated_at,
        }
        await conn.execute(_PUT, one.org_id, *(values[name] for name in _COLUMNS))

    async def delete(self, conn: Connection, org_id: str) -> bool:
        """Delete an organization's integration, and tell whether there was one."""
        return bool(await conn.fetchval(_DELETE, org_id))

    def _integration(self, row: Any) -> Integration:
        given = {name: row[name] for name in _TERMS}
        given["pagination"] = Pagination(row["pagination"])
        given["schedules"] = tuple(Placement(**one) for one in row["schedules"])
        return Integration(
            org_id=row["org_id"],
            terms=Terms(**given),
            api_key=self._open(row, "api_key"),
            api_key_ends=row["api_key_ends"],
            webhook_secret=self._open(row, "webhook_secret"),
            created_at=row["created_at"],
            updated_at=row["updated_at"],
            old_secret=self._open(row, "old_secret"),
            old_secret_ends_at=row["old_secret_ends_at"],
        )

    def _seal(self, org_id: str, column: str, plain: str) -> bytes:
        return self._sealer.seal(plain.encode(), context=TABLE.context(org_id, column))

    def _open(self, row: Any, column: str) -> str | None:
        if row[column] is None:
            return None
        try:
            return self._sealer.open(row[column], context=TABLE.context(row["org_id"], column)).decode()
        except SealError as error:
            _log.error("integration_unreadable", organization=row["org_id"], column=column, error=str(error))
            return None
