"""Offers, answers to them and bookings, each stopped at a call to booking; and what must be when it has ended.

Invariant: how it has ended is told by booking's and the waitlist's own answers, by booking's holds and by the topic.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import aiohttp

from slotwire_contracts import AnyEvent
from support.gate import Call, Stop
from support.waiting import eventually
from support.waitlist_desk import Bistro
from support.waitlist_processes import Processes
from support.waitlist_service import PATH, Guest, instant

Kind = Literal["offer", "spot", "convert", "book", "auto_convert", "decline", "remove"]
HOLDS, BOOKINGS = "/api/v1/holds", "/api/v1/bookings"
CALLS: Mapping[Kind, tuple[str, str]] = {
    "offer": ("POST", HOLDS),
    "spot": ("POST", HOLDS),
    "convert": ("POST", BOOKINGS),
    "book": ("POST", BOOKINGS),
    "auto_convert": ("POST", BOOKINGS),
    "decline": ("DELETE", HOLDS),
    "remove": ("DELETE", HOLDS),
}
"""The call to booking that each makes: `book` without an offer, and `remove` of who has one."""

PASSED_ON: frozenset[Kind] = frozenset({"decline", "remove"})
"""With what the place goes to the second."""

_UNDER_WAY = """
SELECT (SELECT count(*) FROM offers WHERE org_id = $1 AND (state = 'requested' OR hold_open AND state <> 'live'))
    + (SELECT count(*) FROM conversions WHERE org_id = $1)
"""
_HOLDS = "SELECT id FROM holds WHERE org_id = $1 AND expires_at > now() ORDER BY id"
_OFFERED = "SELECT hold_id FROM offers WHERE org_id = $1 AND state = 'live' ORDER BY hold_id"


@dataclass
class Studio:
    """An event with one spot, which is taken."""

    staff: Guest
    uid: str

    @classmethod
    async def of(cls, staff: Guest) -> Self:
        """Announce it."""
        return cls(staff, (await staff.full_instance())["uid"])

    async def joins(self) -> dict[str, Any]:
        """Put somebody on its waitlist; answers the entry."""
        return await self.staff.joined(eventInstanceId=self.uid, requestedDate=None)

    async def falls_free(self) -> None:
        """Have room for one more."""
        raised = await self.staff.booking.patch(f"/v2/event_instances/{self.uid}", {"max_attendance": 2})
        assert raised.status == 200, raised.body


@dataclass
class Saga:
    """A restaurant of its own with one table, or an event with one spot, for which two wait.

    Attributes:
        first, second: their entries, in turn.
        doing: the request behind it, which may fail.
    """

    running: Processes
    place: Bistro | Studio
    kind: Kind
    first: str
    second: str
    doing: "asyncio.Task[None] | None" = None
    stop: Stop | None = None

    @property
    def org_id(self) -> str:
        """The organization."""
        return self.place.staff.org_id

    def stopped(self, *, answered: bool) -> None:
        """Have its call to booking stopped, before booking is asked or when it has answered."""
        self.stop = self.running.gate.stop(self.org_id, *CALLS[self.kind], answered=answered)

    async def begin(self) -> None:
        """Have the place offered, or answer the offer."""
        if self.kind in {"offer", "spot", "auto_convert"}:
            await self.place.falls_free()
        else:
            self.doing = asyncio.create_task(self._answer())

    async def met(self) -> Call:
        """Wait until its call is stopped."""
        assert self.stop is not None
        return await self.stop.met()

    def let_go(self, *, cut: bool = False) -> None:
        """Let its call go, or cut it."""
        assert self.stop is not None
        self.stop.let_go(cut=cut)

    async def entry(self, entry_id: str) -> dict[str, Any]:
        """Read an entry."""
        return dict((await self.place.staff.waitlist.get(f"{PATH}/{entry_id}")).data)

    async def statuses(self) -> tuple[str, str]:
        """Tell where both stand."""
        return (await self.entry(self.first))["status"], (await self.entry(self.second))["status"]

    async def ends(self) -> None:
        """Wait until nothing is under way, and look at all that must be by then; late copies change nothing."""
        await eventually(self.has_ended)
        await self._check()
        await self.running.gate.send(await self.met())
        await self._check()

    async def finish(self) -> None:
        """Have whoever is offered the place take it: it is booked once, and all is told once."""
        winner = self.second if self.kind in PASSED_ON else self.first
        taken = [(await self.place.staff.waitlist.post(f"{PATH}/{winner}/convert", {})).data for _ in range(2)]
        assert [one["bookingId"] for one in taken] == await self._bookings() * 2
        assert await self._holds() == []
        tell = {one: [_name(event) for event in await self.running.told(one)] for one in (self.first, self.second)}
        assert tell == {self.first: ["joined"], self.second: ["joined"]} | _told(self)

    async def _answer(self) -> None:
        path, key = f"{PATH}/{self.first}", self.place.staff.waitlist
        with contextlib.suppress(aiohttp.ClientError):  # whoever answers may be killed
            match self.kind:
                case "remove":
                    await key.delete(path)
                case "book":  # when nobody has booked, and the entry did not ask for
                    await key.post(f"{path}/convert", {"startTime": instant(hours=3), "endTime": instant(hours=4)})
                case deed:
                    await key.post(f"{path}/{deed}", {})

    async def has_ended(self) -> bool:
        """Tell whether nothing is under way, and both entries stand where they have to."""
        async with self.running.database.connection() as conn:
            under_way = await conn.fetchval(_UNDER_WAY, self.org_id)
        return under_way == 0 and await self.statuses() == self._end

    @property
    def _end(self) -> tuple[str, str]:
        match self.kind:
            case "offer" | "spot":
                return "notified", "waiting"
            case "remove":
                return "removed", "notified"
            case "decline":
                return "waiting", "notified"
            case _:
                return "converted", "waiting"

    async def _check(self) -> None:
        """No hold but that of a live offer, and as many bookings as entries that became one."""
        async with self.running.database.connection() as conn:
            offered = [row["hold_id"] for row in await conn.fetch(_OFFERED, self.org_id)]
        is_booked = "converted" in self._end
        assert await self.statuses() == self._end
        assert (len(offered), await self._holds()) == (0 if is_booked else 1, offered)
        assert len(await self._bookings()) == int(is_booked)

    async def _holds(self) -> list[str]:
        async with self.running.at_booking.connection() as conn:
            return [row["id"] for row in await conn.fetch(_HOLDS, self.org_id)]

    async def _bookings(self) -> list[str]:
        listed = (await self.place.staff.booking.get(f"{BOOKINGS}?limit=200")).data
        return [one["id"] for one in listed if one["source"] == "waitlist"]


def _told(saga: Saga) -> dict[str, list[str]]:
    """What the topic tells of those for whom something happened."""
    match saga.kind:
        case "decline":
            return {
                saga.first: ["joined", "notified", "declined"],
                saga.second: ["joined", "notified", "converted"],
            }
        case "remove":
            return {
                saga.first: ["joined", "notified", "removed"],
                saga.second: ["joined", "notified", "converted"],
            }
        case "auto_convert" | "book":
            return {saga.first: ["joined", "converted"]}
        case _:
            return {saga.first: ["joined", "notified", "converted"]}


def _name(event: AnyEvent) -> str:
    return event.type.partition(".")[2]


async def a_saga(running: Processes, kind: Kind) -> Saga:
    """Bring two entries to where it begins."""
    staff = await running.staff()
    place = await (Studio if kind == "spot" else Bistro).of(staff)
    if kind == "auto_convert" and isinstance(place, Bistro):
        await place.policy(policy=kind)
    first, second = [(await place.joins())["id"] for _ in range(2)]
    saga = Saga(running, place, kind, first, second)
    if kind in {"convert", "decline", "remove"}:
        await place.falls_free()

        async def is_offered() -> bool:
            return await saga.statuses() == ("notified", "waiting")

        await eventually(is_offered)
    return saga
