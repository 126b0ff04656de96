"""The number that operators watch."""

from prometheus_client import REGISTRY

from chassis.clock import utc_now
from chassis.lifecycle import Loop, background
from chassis.postgres import Database
from support.dispatcher import a_happening, dispatcher
from support.waiting import eventually
from webhook_dispatcher.service.ledger import Accounting
from webhook_dispatcher.worker import Watcher


async def told() -> bool:
    return REGISTRY.get_sample_value("slotwire_deliveries_unaccounted") == 1


async def test_what_is_nowhere_is_told(db: Database) -> None:
    one = dispatcher(db)
    await one.subscribe("https://example.com/")
    await one.publish(a_happening(), a_happening())
    async with db.connection() as conn:
        await conn.execute("DELETE FROM deliveries WHERE id = (SELECT min(id) FROM deliveries)")
    async with background(Loop("ledger", Watcher(Accounting(db, utc_now)).run), drain_seconds=5.0):
        await eventually(told, within=10)
