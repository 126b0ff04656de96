"""Questions to the booking service.

Invariant: a question names one organization and is answered by what that organization has, by nothing, or by
`UnavailableError` within its time; what came of one is never used for another.
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, TypeVar

import structlog
from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, DummyCookieJar

from chassis.identity import ORGANIZATION_HEADER
from waitlist.domain.errors import UnavailableError
from waitlist.domain.told import Client, EventInstance, Location

_log = structlog.get_logger(__name__)

T = TypeVar("T")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FOUND, _NOT_FOUND = 200, 404
_RETRY_SECONDS = 1


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
        return await self._find(
            org_id, "/api/v1/locations", location_id, lambda found: Location(found["id"], found["timezone"])
        )

    async def instance(self, org_id: str, instance_id: str) -> EventInstance | None:
        """Ask for an event instance; None when there is none.

        Raises:
            UnavailableError: the booking service does not answer.
        """
        return await self._find(org_id, "/v2/event_instances", instance_id, _instance)

    async def client(self, org_id: str, client_id: str) -> Client | None:
        """Ask for a client; None when there is none.

        Raises:
            UnavailableError: the booking service does not answer.
        """
        return await self._find(org_id, "/api/v1/clients", client_id, lambda found: Client(found["id"], found["name"]))

    async def has_service(self, org_id: str, service_id: str) -> bool:
        """Ask whether there is a service whose event instances can be waited for.

        Raises:
            UnavailableError: the booking service does not answer.
        """
        kind = await self._find(org_id, "/v2/settings/services", service_id, lambda found: found["service_type"])
        return kind == "event"

    async def _find(self, org_id: str, path: str, thing_id: str, read: Callable[[Mapping[str, Any]], T]) -> T | None:
        if not _ID.fullmatch(thing_id):
            return None  # no id of ours, and it must not lead to another path
        if self._session is None:
            raise AssertionError("asked outside `opened`")
        try:
            async with self._session.get(
                f"{self._url}{path}/{thing_id}", headers={ORGANIZATION_HEADER: org_id}, allow_redirects=False
            ) as response:
                found = await _data(response)
                return None if found is None else read(found)
        except (ClientError, TimeoutError, ValueError, LookupError, TypeError) as error:
            _log.warning("booking_unavailable", path=path, error=repr(error))
            raise UnavailableError(
                "the booking service does not answer; try again", details={"retry_after": _RETRY_SECONDS}
            ) from error


async def _data(response: ClientResponse) -> Mapping[str, Any] | None:
    if response.status == _NOT_FOUND:
        return None
    if response.status != _FOUND:
        raise ClientError(f"answered {response.status}")
    found: Mapping[str, Any] = (await response.json())["data"]
    return found


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
