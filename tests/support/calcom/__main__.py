"""`python -m support.calcom PORT [BOOKINGS]` serves one until it is ended, with so many bookings, an hour apart.

Invariant: the lives of two processes with the same arguments differ by when they began alone.
"""

import asyncio
import sys
from datetime import UTC, datetime, timedelta

from support.calcom.life import Life
from support.calcom.rows import Attendee
from support.calcom.standin import standin


def furnished(bookings: int) -> Life:
    """A life with so many bookings: each with a guest of its own, half an hour long, from tomorrow on."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    life = Life(now=now)
    for number in range(bookings):
        start = now + timedelta(days=1, hours=number)
        life.create(start, Attendee(f"Guest {number}", f"guest-{number}@guest.example"))
    return life


async def _serve(port: int, bookings: int) -> None:
    async with standin(furnished(bookings), port=port):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2])))
