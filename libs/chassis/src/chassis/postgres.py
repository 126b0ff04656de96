"""PostgreSQL: one pool a service, transactions, and the words for "the database is away".

Invariant: pooled connections carry no session state, so they are handed back without a reset query; whoever needs
state (LISTEN, session locks) opens a connection of its own with `Database.dedicated`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from prometheus_client import Gauge
from pydantic_core import from_json, to_json

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    DedicatedConnection: TypeAlias = asyncpg.Connection[asyncpg.Record]
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
else:
    Connection = DedicatedConnection = Pool = Any

UNAVAILABLE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # of a connection that was told its end, and is not closed yet
)
"""What asyncpg raises while the server is away, starting, stopping or full."""

UNSTORABLE = asyncpg.DataError
"""What asyncpg raises for a value that has no place in its column; it stands under `InterfaceError` too: ask first."""

TRANSIENT = (
    *UNAVAILABLE,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.UndefinedTableError,
)
"""What is worth trying again: the server is away, two transactions were in each other's way, or a day was dropped."""

# As the semantic conventions of OpenTelemetry name and label them.
_POOL, _STATE = "db_client_connection_pool_name", "db_client_connection_state"
_CONNECTIONS = Gauge("db_client_connection_count", "Connections of a pool, used and idle.", [_POOL, _STATE])
_MOST_CONNECTIONS = Gauge("db_client_connection_max", "Connections that a pool may have at most.", [_POOL])

_ACQUIRE_SECONDS = 5.0
_COMMAND_SECONDS = 30.0
# Of a machine that vanished the server would hear nothing, and keep its session locks for two hours.
_NOTICING = {
    "tcp_keepalives_idle": "3",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "5",
    "tcp_user_timeout": "8000",
}


def database_url(server_url: str, database: str) -> str:
    """Tell the URL of one database on a server.

    Args:
        server_url: any URL of the server; its path is replaced.
        database: the database's name.
    """
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{database}"))


def placeholders(first: int, rows: int, columns: int) -> str:
    """Write so many rows of parameters, `($1, $2), ($3, $4)`, for an INSERT.

    Args:
        first: the number of the first parameter.
        rows: how many rows.
        columns: how many parameters each row has.
    """
    starts = range(first, first + rows * columns, columns)
    return ", ".join(f"({', '.join(f'${start + place}' for place in range(columns))})" for start in starts)


async def create_database(server_url: str, database: str) -> bool:
    """Create a database unless it exists, and tell whether it was made now.

    Raises:
        asyncpg.InsufficientPrivilegeError: when the role may not create databases.
    """
    connection = await asyncpg.connect(server_url)
    try:
        if await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", database):
            return False
        quoted = database.replace('"', '""')
        try:
            await connection.execute(f'CREATE DATABASE "{quoted}"')
        except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
            return False  # another starter was quicker
        return True
    finally:
        await connection.close()


async def _speak_json(connection: DedicatedConnection) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name, schema="pg_catalog", encoder=lambda value: to_json(value).decode(), decoder=from_json
        )


async def _keep_state(_: Any) -> None:
    """Stand in for asyncpg's reset query, which pooled connections without state do not need."""


class Database:
    """One service's database: a pool that is made without waiting for the server, and connections out of it."""

    def __init__(self, url: str, *, pool_size: int, application: str) -> None:
        self._url = url
        # A process that is stopped in mid-transaction must not keep its locks for ever.
        self._options = {"application_name": application, "idle_in_transaction_session_timeout": "60s"}
        self._pool: Pool = asyncpg.create_pool(
            url,
            min_size=0,
            max_size=pool_size,
            init=_speak_json,
            reset=_keep_state,
            command_timeout=_COMMAND_SECONDS,
            timeout=_ACQUIRE_SECONDS,
            max_cacheable_statement_size=0,  # none is too long to be prepared once
            server_settings=self._options,
        )

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Database"]:
        """Hold the pool open for the block; connections are made when first needed."""
        await self._pool
        self._measure()
        try:
            yield self
        finally:
            try:
                async with asyncio.timeout(_ACQUIRE_SECONDS):
                    await self._pool.close()
            except TimeoutError:
                self._pool.terminate()

    def _measure(self) -> None:
        name, pool = self._options["application_name"], self._pool
        _CONNECTIONS.labels(name, "idle").set_function(pool.get_idle_size)
        _CONNECTIONS.labels(name, "used").set_function(lambda: pool.get_size() - pool.get_idle_size())
        _MOST_CONNECTIONS.labels(name).set_function(pool.get_max_size)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection without a transaction: for single statements."""
        async with self._pool.acquire(timeout=_ACQUIRE_SECONDS) as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Lend a connection inside a transaction that commits when the block ends and rolls back when it raises."""
        async with self._pool.acquire(timeout=_ACQUIRE_SECONDS) as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Connection]:
        """Lend a connection that sees one state of the database throughout, for reads that belong together.

        Each statement is planned for the values that it is asked with: which index finds few rows depends on them.
        """
        async with (
            self._pool.acquire(timeout=_ACQUIRE_SECONDS) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
            yield connection

    @asynccontextmanager
    async def dedicated(self) -> AsyncIterator[DedicatedConnection]:
        """Open a connection outside the pool, for session locks and LISTEN; it is closed with the block."""
        connection = await asyncpg.connect(
            self._url,
            timeout=_ACQUIRE_SECONDS,
            command_timeout=_COMMAND_SECONDS,
            server_settings={**self._options, **_NOTICING},
        )
        try:
            await _speak_json(connection)
            yield connection
        finally:
            connection.terminate()

    async def answers(self) -> bool:
        """Tell whether the database answers a query now."""
        try:
            async with self.connection() as connection:
                return bool(await connection.fetchval("SELECT true"))
        except UNAVAILABLE:
            return False
