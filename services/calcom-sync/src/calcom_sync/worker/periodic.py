"""Looking now and then for what is due without being asked.

Invariant: it goes on as long as the process, whatever becomes of the runs.
"""

from collections.abc import Callable

import structlog

from calcom_sync.service.periodic import Periodic
from calcom_sync.worker.metrics import NO_ANSWERS
from chassis.lifecycle import Stop

_log = structlog.get_logger(__name__)


async def look(seconds: float, periodic: Periodic, wake: Callable[[], None], stop: Stop) -> None:
    """Look until asked to stop.

    Args:
        seconds: between two looks.
        periodic: asks for what is due.
        wake: tells whoever carries runs out that some wait.
        stop: the request to stop.

    Raises:
        OSError, asyncpg.PostgresError: when the database is away; run it again.
    """
    while not await stop.wait(seconds):
        if await periodic.ask():
            wake()
        lost = await periodic.give_up()
        if lost:
            NO_ANSWERS.inc(lost)
            _log.warning("answers_given_up", number=lost)
