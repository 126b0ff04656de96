"""How many rows of a table statements read, as PostgreSQL explains them."""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any, TypeVar

from chassis.postgres import Connection

T = TypeVar("T")


def rows_read(plan: Mapping[str, Any], table: str) -> float:
    """Count the rows of a table that a plan has read, those that it left out included."""
    below = sum(rows_read(part, table) for part in plan.get("Plans", ()))
    if plan.get("Relation Name") != table:
        return below
    left_out = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
    return float(below + (plan["Actual Rows"] + left_out) * plan["Actual Loops"])


async def explained(conn: Connection, work: Awaitable[T], table: str) -> tuple[T, list[float]]:
    """Do some reading; answers its result, and how many rows of a table each of its statements has read."""
    sent: list[tuple[str, Any]] = []
    with conn.query_logger(lambda record: sent.append((record.query, record.args))):
        result = await work
        await asyncio.sleep(0)  # what was sent is told a little later
    plans = [await conn.fetchval(f"EXPLAIN (ANALYZE, FORMAT json) {query}", *args) for query, args in sent]
    return result, [rows_read(plan[0]["Plan"], table) for plan in plans]
