"""Meeting a process in the middle of what it does: it waits for rows or tables that the test holds.

Which process waits is told by PostgreSQL (whom does the test's session block?) and the processes' own sockets.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import psutil

from chassis.postgres import Connection, Database
from support.system import ServiceProcess

IN_INGEST = "LOCK TABLE tallies IN SHARE MODE"
"""What a batch of events is held up by in the middle of its transaction."""

IN_SETTLE = "LOCK TABLE attempts IN SHARE MODE"
"""What outcomes are held up by while they are written."""

_BLOCKED = """
SELECT client_port FROM pg_stat_activity
WHERE datname = current_database() AND pg_backend_pid() = ANY (pg_blocking_pids(pid))
"""


@asynccontextmanager
async def held_up(
    database: Database, processes: Sequence[ServiceProcess], statement: str, *args: object
) -> AsyncIterator[ServiceProcess]:
    """Hold what a statement locks for the block, which begins when one of the processes waits for it; answers which.

    Raises:
        TimeoutError: none of them wanted it within 30 seconds.
    """
    async with database.transaction() as conn, asyncio.timeout(30) as limit:
        await conn.execute(statement, *args)
        while (found := await _waiting(conn, processes)) is None:
            await asyncio.sleep(0.01)
        limit.reschedule(None)
        yield found


async def _waiting(conn: Connection, processes: Sequence[ServiceProcess]) -> ServiceProcess | None:
    ports = {row["client_port"] for row in await conn.fetch(_BLOCKED)}
    return next((one for one in processes if ports & _ports(one)), None) if ports else None


def _ports(process: ServiceProcess) -> set[int]:
    """Tell the local ports of a process's connections."""
    try:
        return {one.laddr.port for one in psutil.Process(process.pid).net_connections("tcp")}
    except psutil.NoSuchProcess:
        return set()
