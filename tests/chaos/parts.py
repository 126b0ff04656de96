"""What faults are done to: processes of services, and servers.

Invariant: a part whose lock is held is in the hands of a fault, and nobody else's; what is being done to it is done to
its end, so that whoever ends the run finds it as it is.
"""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from devstack.ending import to_its_end
from support.system import ServiceProcess

_ANSWER_SECONDS = 5.0


class Process(Protocol):
    """A process that faults are done to. Blocking."""

    @property
    def pid(self) -> int: ...

    @property
    def running(self) -> bool: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def kill(self) -> None: ...


@dataclass
class Part:
    """A process of a service, or a server.

    Attributes:
        service: the process of a service; None of a server, which serves as soon as it has started.
        lock: held by whoever does something to it.
    """

    name: str
    process: Process
    log: Path
    service: ServiceProcess | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def start(self) -> None:
        """Start it; a server serves then."""
        await to_its_end(self.process.start)

    async def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        await to_its_end(self.process.stop)

    async def kill(self) -> None:
        """SIGKILL it."""
        await to_its_end(self.process.kill)

    async def is_well(self) -> bool:
        """Tell whether it does its work; who does not say so within seconds does not."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return self.process.running and (self.service is None or await self.service.ready())
        except TimeoutError:
            return False
