"""Subscriptions of all kinds: to endpoints that are well, flap, hang and fail; some end, and one begins, in mid-run.

Invariant: what an organization's healthy endpoint is to get, nothing but the system itself can hold up.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chaos.evidence import Subscriber
from chaos.load.client import Client
from chaos.subscribers import Endpoint, Manner, failing, flapping, hanging, healthy
from chassis.clock import utc_now
from devstack.receiver import SUBSCRIPTIONS

_SHORT = [0.3, 0.5, 1.0]
_BEFORE = timedelta(hours=1)
_LONG = [0.3, 0.5, 0.8, 1.2, 1.5, *([2.0] * 20)]


@dataclass(frozen=True)
class Kind:
    """A kind of subscription.

    Attributes:
        begins: how far in the run it is made, from 0 to 1.
        ends: how far in the run it is ended, and how; None: never.
        again: how far in the run it is asked to be sent again what failed (`recover`), or what was before it
            (`replay`); None: never.
    """

    name: str
    manner: Manner
    events: tuple[str, ...]
    retry: list[float]
    ordering: str = "none"
    begins: float = 0.0
    ends: tuple[float, str] | None = None
    again: tuple[float, str] | None = None

    @property
    def is_healthy(self) -> bool:
        """Whether it answers at once all the while."""
        return self.manner is healthy


_EVERYWHERE = (
    Kind("healthy", healthy, ("*",), _LONG),
    Kind("flapping", flapping, ("reservation.*",), _LONG),
)
_BY_ORGANIZATION = (
    (
        Kind("hanging", hanging, ("reservation.cancelled", "waitlist_entry.converted"), _SHORT, again=(0.7, "recover")),
        Kind("disabled", healthy, ("*",), _LONG, ends=(0.5, "disable")),
    ),
    (
        Kind("failing", failing, ("reservation.confirmed",), _SHORT, again=(0.6, "recover")),
        Kind("late", healthy, ("*",), _LONG, begins=0.4, again=(0.1, "replay")),
    ),
    (
        Kind("ordered", flapping, ("reservation.*", "waitlist_entry.*"), _LONG, ordering="resource"),
        Kind("deleted", flapping, ("*",), _LONG, ends=(0.6, "delete")),
    ),
)


def kinds_of(number: int) -> Iterator[Kind]:
    """Tell what the organization of that number subscribes."""
    yield from _EVERYWHERE
    yield from _BY_ORGANIZATION[number % len(_BY_ORGANIZATION)]


@dataclass
class Subscribing:
    """A subscription of one kind, and its endpoint.

    Attributes:
        port: tells where the system finds the endpoint, which may be a way that leads there.
    """

    client: Client
    kind: Kind
    endpoint: Endpoint
    port: Callable[[], int]
    id: str = ""
    since: datetime | None = None

    async def begin(self) -> None:
        """Make it."""
        body: dict[str, Any] = {
            "url": f"http://127.0.0.1:{self.port()}/hook",
            "events": list(self.kind.events),
            "retry": self.kind.retry,
            "ordering": self.kind.ordering,
            "secret": self.endpoint.secret,
        }
        made = await self.client.insist("POST", SUBSCRIPTIONS, body)
        self.id, self.since = made["id"], datetime.fromisoformat(made["created_at"])
        org_id, is_healthy = self.client.tenant.org_id, self.kind.is_healthy
        is_ordered = self.kind.ordering == "resource"
        known = Subscriber(self.id, org_id, self.kind.events, self.since, healthy=is_healthy, ordered=is_ordered)
        self.client.journal.subscribed(self.endpoint.name, known)

    async def send_again(self) -> None:
        """Ask for what was not delivered, as its kind says."""
        assert self.kind.again is not None
        assert self.since is not None
        path = f"{SUBSCRIPTIONS}/{self.id}"
        if self.kind.again[1] == "recover":
            await self.client.change("POST", f"{path}/recover", {"since": self.since.isoformat()})
        else:
            before = {"from": (self.since - _BEFORE).isoformat(), "to": self.since.isoformat()}
            await self.client.change("POST", f"{path}/replay", before)

    async def end(self) -> None:
        """End it, as its kind says."""
        assert self.kind.ends is not None
        path = f"{SUBSCRIPTIONS}/{self.id}"
        self.client.journal.unsubscribed(self.id, utc_now())
        if self.kind.ends[1] == "delete":
            await self.client.insist("DELETE", path)
        else:
            await self.client.insist("POST", f"{path}/disable", {})
