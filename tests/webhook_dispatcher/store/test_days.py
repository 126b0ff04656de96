"""What is asked of pending deliveries is what their partial indexes hold, or no query would find them there."""

import pytest

from chassis.postgres import Database
from webhook_dispatcher.store.days import AWAITING_TURN, LEASED, WAITING

PREDICATE = "SELECT pg_get_expr(indpred, indrelid) FROM pg_index WHERE indexrelid = $1::regclass"


@pytest.mark.parametrize(
    ("condition", "index"),
    [(WAITING, "deliveries_waiting"), (LEASED, "deliveries_leased"), (AWAITING_TURN, "deliveries_awaiting_turn")],
)
async def test_each_condition_is_its_indexs_own(db: Database, condition: str, index: str) -> None:
    async with db.connection() as conn:
        await conn.execute(f"CREATE INDEX as_asked ON deliveries (id) WHERE {condition}")
        asked = await conn.fetchval(PREDICATE, "as_asked")
        assert asked == await conn.fetchval(PREDICATE, index)
