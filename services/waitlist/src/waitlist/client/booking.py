"""Questions to the booking service.

Invariant: a question names one organization and is answered by what that organization has, by nothing, or by
`UnavailableError` within its time; what came of one is never used for another.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, TypeVar

import structlog
from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, DummyCookieJar

from chassis import tracing
from chassis.identity import ORGANIZATION_HEADER
from waitlist.domain.errors import UnavailableError
from waitlist.domain.times import time_text
from waitlist.domain.told import Booking, Client, EventInstance, Location, OpenHours

_log = structlog.get_logger(__name__)

T = TypeVar("T")
_INSTANCES = "/v2/event_instances"
_PER_PAGE = 100  # the most that booking tells at once
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FOUND, _NOT_FOUND = 200, 404
_REFUSALS = frozenset({404, 409, 422})
_OVER = frozenset({"CANCELLED", "DECLINED"})
_RETRY_SECONDS = 1
_AGAIN_SECONDS = 0.1


@dataclass(frozen=True)
class Reply:
    """What booking answered."""

    status: int
    body: Any

    @property
    def is_success(self) -> bool:
        """Tell whether it did what was asked."""
        return self.status in {200, 201}

    @property
    def code(self) -> str | None:
        """The code of a refusal; None of a success."""
        return None if self.is_success else str(self.body["error"]["code"])

    @property
    def is_too_soon(self) -> bool:
        """Tell whether the same is being asked right now."""
        return self.code == "idempotency_in_progress"


class BookingClient:
    """Asks over one shared session, which is open as long as `opened` is entered.

    Args:
        url: where the booking service answers.
        key: the key that the services call each other with.
        seconds: for one question, the whole exchange.
    """

    def __init__(self, url: str, key: str, *, seconds: float) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"}
        self._timeout = ClientTimeout(total=seconds)
        self._session: ClientSession | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Hold the session open for the block."""
        async with ClientSession(
            headers=self._headers, timeout=self._timeout, cookie_jar=DummyCookieJar()
        ) as self._session:
            yield

    async def location(self, org_id: str, location_id: str) -> Location | None:
        """Ask for a location; None when there is none.

        Raises:
            UnavailableError: the booking service does not answer.
        """
        return await self._find(org_id, "/api/v1/locations", location_id, _location)

    async def instance(self, org_id: str, instance_id: str) -> EventInstance | None:
        """Ask for an event instance; None when there is none.

        Raises:
            UnavailableError: the booking service does not answer.
        """
        return await self._find(org_id, _INSTANCES, instance_id, _instance)

    async def instances_of(self, org_id: str, service_id: str, since: datetime) -> frozenset[str]:
        """Ask for the ids of the event instances of a service that start at an instant or later.

        Raises:
            UnavailableError: the booking service does not answer.
        """
        query = {"service_id": service_id, "from": time_text(since), "per_page": _PER_PAGE}
        headers, found, page, more = {ORGANIZATION_HEADER: org_id}, frozenset[str](), 0, True
        while more:
            page += 1
            ids, more = await self._send("GET", _INSTANCES, _part, params={**query, "page": page}, headers=headers)
            found |= ids
        return found

    async def client(self, org_id: str, client_id: str) -> Client | None:
        """Ask for a client; None when there is none.

        Raises:
            UnavailableError: the booking service does not answer.
        """
        return await self._find(org_id, "/api/v1/clients", client_id, lambda found: Client(found["id"], found["name"]))

    async def booking(self, org_id: str, booking_id: str) -> Booking | None:
        """Ask for a booking; None when there is none.

        Raises:
            UnavailableError: the booking service does not answer.
        """
        return await self._find(org_id, "/api/v1/bookings", booking_id, _booking)

    async def has_service(self, org_id: str, service_id: str) -> bool:
        """Ask whether there is a service whose event instances can be waited for.

        Raises:
            UnavailableError: the booking service does not answer.
        """
        kind = await self._find(org_id, "/v2/settings/services", service_id, lambda found: found["service_type"])
        return kind == "event"

    async def send(
        self,
        method: str,
        org_id: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        once: str | None = None,
    ) -> Reply:
        """Send a request, and answer what it was answered with: a success, or a refusal that changed nothing.

        Args:
            method: the HTTP method.
            org_id: the organization for which it is.
            path: the path, made of ids that booking itself told.
            query: its query.
            body: its body; the same one is always written in the same bytes.
            once: an Idempotency-Key, with which it can be sent again whatever became of it.

        Raises:
            UnavailableError: nobody knows what became of it.
        """
        headers = {ORGANIZATION_HEADER: org_id} | ({} if once is None else {"Idempotency-Key": once})
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body, sort_keys=True), "application/json"
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._timeout.total):
                reply = await self._send(method, path, _reply, params=query, data=data, headers=headers)
                while reply.is_too_soon:
                    await asyncio.sleep(_AGAIN_SECONDS)
                    reply = await self._send(method, path, _reply, params=query, data=data, headers=headers)
                return reply
        raise _unavailable()

    async def _send(
        self,
        method: str,
        path: str,
        read: Callable[[ClientResponse], Awaitable[T]],
        *,
        headers: Mapping[str, str],
        **more: Any,
    ) -> T:
        if self._session is None:
            raise AssertionError("asked outside `opened`")
        try:
            with _traced(method, path) as traced:
                more |= {"headers": {**headers, **traced}, "allow_redirects": False}
                async with self._session.request(method, self._url + path, **more) as response:
                    return await read(response)
        except (ClientError, TimeoutError, ValueError, LookupError, TypeError) as error:
            _log.warning("booking_unavailable", path=path, error=repr(error))
            raise _unavailable() from error

    async def _find(self, org_id: str, path: str, thing_id: str, read: Callable[[Mapping[str, Any]], T]) -> T | None:
        if not _ID.fullmatch(thing_id):
            return None  # no id of ours, and it must not lead to another path

        async def taken(response: ClientResponse) -> T | None:
            found = await _data(response)
            return None if found is None else read(found)

        return await self._send("GET", f"{path}/{thing_id}", taken, headers={ORGANIZATION_HEADER: org_id})


@contextmanager
def _traced(method: str, path: str) -> Iterator[Mapping[str, str]]:
    """Make a span of a question, and tell the headers with which booking goes on from it."""
    attributes = {"http.request.method": method, "url.path": path}
    with tracing.span(f"{method} booking", tracing.Kind.CLIENT, tracing.current(), attributes) as span:
        yield {} if span.traceparent is None else {"traceparent": span.traceparent}


async def _reply(response: ClientResponse) -> Reply:
    reply = Reply(response.status, await response.json())
    if not (reply.is_success or (response.status in _REFUSALS and reply.code)):
        raise ClientError(f"answered {response.status}")
    return reply


def _unavailable() -> UnavailableError:
    return UnavailableError("the booking service does not answer; try again", details={"retry_after": _RETRY_SECONDS})


async def _data(response: ClientResponse) -> Mapping[str, Any] | None:
    if response.status == _NOT_FOUND and (await response.json())["error"]["code"] == "not_found":
        return None  # in booking's own words: what merely stands where booking should tells of nothing that it is gone
    if response.status != _FOUND:
        raise ClientError(f"answered {response.status}")
    found: Mapping[str, Any] = (await response.json())["data"]
    return found


async def _part(response: ClientResponse) -> tuple[frozenset[str], bool]:
    """Read the ids of a numbered page, and whether there are more."""
    if response.status != _FOUND:
        raise ClientError(f"answered {response.status}")
    part = await response.json()
    return frozenset(found["uid"] for found in part["data"]), part["meta"]["hasMore"]


def _location(found: Mapping[str, Any]) -> Location:
    weekly, overrides = found["weekly_hours"], found["date_overrides"]
    return Location(
        id=found["id"],
        timezone=found["timezone"],
        visit_minutes=found["visit_minutes"],
        weekly_hours=None if weekly is None else {day: _hours(told) for day, told in weekly.items()},
        date_overrides={day: _hours(told) for day, told in overrides.items()},
        name=found["name"],
    )


def _hours(told: Sequence[Mapping[str, str]]) -> OpenHours:
    return [(time.fromisoformat(one["start"]), time.fromisoformat(one["end"])) for one in told]


def _instance(found: Mapping[str, Any]) -> EventInstance:
    return EventInstance(
        id=found["uid"],
        service_id=found["service_id"],
        title=found["title"],
        start_time=datetime.fromisoformat(found["start_time"]),
        end_time=datetime.fromisoformat(found["end_time"]),
        timezone=found["timezone"],
        max_attendance=found["max_attendance"],
        remaining=found["remaining"],
        cancelled=found["status"] == "cancelled",
    )


def _booking(found: Mapping[str, Any]) -> Booking:
    return Booking(
        id=found["id"],
        start_time=datetime.fromisoformat(found["start_time"]),
        end_time=datetime.fromisoformat(found["end_time"]),
        party_size=found["party_size"],
        cancelled=found["status"] in _OVER,
    )
