"""Meeting a process in the middle of what it does: it waits for rows or tables that the test holds.

Which process waits is told by PostgreSQL (whom does the test's session block?) and the processes' own sockets.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psutil

from chassis.postgres import Connection, Database
from support.system import ServiceProcess

IN_INGEST = "SELECT FROM tallies FOR UPDATE"
"""What a batch of events is held up by when it is written and not committed: counting it comes last."""

BEFORE_INGEST = "LOCK TABLE tallies IN SHARE MODE"
"""What a batch of events is held up by before anything of it is written.

Who sends it all in one statement may be killed then, and it is committed all the same.
"""

IN_SETTLE = "LOCK TABLE attempts IN SHARE MODE"
"""What outcomes are held up by while they are written."""

_BLOCKED = """
SELECT client_port, pid FROM pg_stat_activity
WHERE datname = current_database() AND pg_backend_pid() = ANY (pg_blocking_pids(pid))
"""
# Without it a transaction sees no session that began after its first look, as those of a process that starts again.
_LOOK_ANEW = "SELECT pg_stat_clear_snapshot()"
_IS_WAITED_FOR = (
    "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))"
)


@dataclass(frozen=True)
class Hold:
    """What the test holds in an open transaction."""

    conn: Connection

    async def meet(self, *processes: ServiceProcess, sessions: int = 1) -> ServiceProcess:
        """Wait until one of the processes waits for what is held, in so many sessions; answers which.

        Raises:
            TimeoutError: none of them wanted it within 30 seconds.
        """
        async with asyncio.timeout(30):
            while (found := await _waiting(self.conn, processes, sessions)) is None:
                await asyncio.sleep(0.01)
        return found

    async def is_waited_for(self) -> bool:
        """Tell whether anybody waits for what is held."""
        return bool(await self.conn.fetchval(_IS_WAITED_FOR))

    async def cut(self) -> None:
        """End the sessions that wait, as the server does where it notices that nobody is there any more."""
        await self.conn.execute(_LOOK_ANEW)
        await self.conn.fetch(f"SELECT pg_terminate_backend(pid) FROM ({_BLOCKED}) AS blocked")


@asynccontextmanager
async def held(database: Database, statement: str, *args: object) -> AsyncIterator[Hold]:
    """Hold for the block what a statement locks; rows are waited for.

    Raises:
        TimeoutError: there were none within 30 seconds.
    """
    async with database.transaction() as conn:
        async with asyncio.timeout(30):
            while await conn.execute(statement, *args) == "SELECT 0":
                await asyncio.sleep(0.01)
        yield Hold(conn)


async def _waiting(conn: Connection, processes: Sequence[ServiceProcess], sessions: int) -> ServiceProcess | None:
    await conn.execute(_LOOK_ANEW)
    ports = {row["client_port"] for row in await conn.fetch(_BLOCKED)}
    return next((one for one in processes if len(ports & _ports(one)) >= sessions), None) if ports else None


def _ports(process: ServiceProcess) -> set[int]:
    """Tell the local ports of a process's connections."""
    try:
        return {one.laddr.port for one in psutil.Process(process.pid).net_connections("tcp")}
    except psutil.NoSuchProcess:
        return set()
