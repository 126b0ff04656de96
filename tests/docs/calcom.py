"""The Cal.com of the pages: what a reader would have there, who has the bookings that the pages show.

Invariant: it serves from a thread of its own, for the pages' programs are other processes and the tests wait for them.
"""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime
from threading import Thread

from support.calcom import Attendee, Host, Kind, Life, standin


def life() -> Life:
    """Five appointments in spring 2030, one of which was moved; of another the owner is a guest."""
    lived = Life(now=datetime.now(UTC).replace(microsecond=0))
    owner, other = lived.owner, Host(8, "Otto Other", "otto@host.example")
    moved = lived.create(at(2, 4, 9), Attendee("Ada", "ada@example.com"))
    lived.reschedule(moved, at(2, 6, 10))
    lived.create(at(2, 5, 9), Attendee("Ben", "ben@example.com"))
    lived.create(at(2, 7, 18), Attendee("Cleo", "cleo@example.com"), kind=Kind(id=60, slug="class"))
    lived.create(at(2, 8, 9), Attendee(owner.name, owner.email), host=other)
    lived.create(at(4, 2, 9), Attendee("Dan", "dan@example.com"))
    return lived


def at(month: int, day: int, hour: int) -> datetime:
    return datetime(2030, month, day, hour, tzinfo=UTC)


@contextmanager
def serving() -> Iterator[str]:
    """Serve it for the block; tells its address."""
    loop, served = asyncio.new_event_loop(), AsyncExitStack()
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        calcom = asyncio.run_coroutine_threadsafe(served.enter_async_context(standin(life())), loop).result()
        yield calcom.url
    finally:
        asyncio.run_coroutine_threadsafe(served.aclose(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
