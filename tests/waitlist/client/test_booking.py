"""Questions to a booking service that answers, that has nothing, and that is away."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from devstack.ports import HOST, free_port
from support.booking_service import SOON, text
from support.event_instances import add_instance, add_service, hold, post_instance
from support.reference_data import made
from support.waitlist_service import Guest, WaitlistService
from waitlist.client.booking import BookingClient
from waitlist.domain.errors import UnavailableError
from waitlist.domain.told import Client, Location

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def asking(url: str, *, key: str = "key", seconds: float = 5.0) -> AsyncIterator[BookingClient]:
    """A client that is open."""
    client = BookingClient(url, key, seconds=seconds)
    async with client.opened():
        yield client


@pytest.fixture
async def booking(service: WaitlistService) -> AsyncIterator[BookingClient]:
    """A client of the running booking service."""
    async with asking(str(service.settings.booking_url), key=service.settings.booking_key) as client:
        yield client


async def test_it_tells_of_places_and_people(booking: BookingClient, staff: Guest) -> None:
    location_id, client_id = await staff.location(timezone="Europe/Berlin"), await staff.client()
    assert await booking.location(staff.org_id, location_id) == Location(location_id, "Europe/Berlin", name="Bistro")
    assert await booking.client(staff.org_id, client_id) == Client(client_id, "Ada")
    instance = await add_instance(staff.booking, max_attendance=5)
    await hold(staff.booking, instance["uid"], 2)
    told = await booking.instance(staff.org_id, instance["uid"])
    assert told is not None
    assert (told.title, told.max_attendance, told.remaining, told.cancelled) == (instance["title"], 5, 3, False)
    assert (told.start_time.isoformat(), told.timezone) == (
        instance["start_time"].replace("Z", "+00:00"),
        instance["timezone"],
    )
    assert await booking.has_service(staff.org_id, told.service_id)
    appointments = await made(staff.booking, "services", service_type="appointment", location_id=None)
    assert not await booking.has_service(staff.org_id, appointments)


async def test_it_tells_all_that_a_service_has_ahead_however_many_they_are(
    booking: BookingClient, staff: Guest
) -> None:
    service_id, other = await add_service(staff.booking), await add_instance(staff.booking)
    starts = [text(SOON + timedelta(hours=number)) for number in range(102)]
    posted = [await post_instance(staff.booking, service_id, start_time=start) for start in starts]
    first, *ahead = [answer.data["uid"] for answer in posted]
    found = await booking.instances_of(staff.org_id, service_id, SOON + timedelta(minutes=1))
    assert found == set(ahead)
    assert await booking.instances_of(staff.org_id, service_id, SOON) == {first, *ahead}
    assert await booking.instances_of(staff.org_id, other["service_id"], SOON) == {other["uid"]}


async def test_what_another_organization_has_is_nothing(
    service: WaitlistService, booking: BookingClient, staff: Guest
) -> None:
    other = await service.staff()
    theirs = await other.full_instance()
    assert await booking.instance(other.org_id, theirs["uid"]) is not None
    assert await booking.instance(staff.org_id, theirs["uid"]) is None
    assert await booking.location(staff.org_id, await other.location()) is None
    assert await booking.client(staff.org_id, await other.client()) is None
    assert not await booking.has_service(staff.org_id, theirs["service_id"])


@pytest.mark.parametrize(
    "strange", ["", "none", "..", "../clients", "a/b", "a?b", "a%2e", "x" * 65, "ü", "\0", "loc_1 "]
)
async def test_an_id_leads_to_nothing_but_its_own_path(booking: BookingClient, staff: Guest, strange: str) -> None:
    assert await booking.location(staff.org_id, strange) is None


async def test_a_service_that_is_away_is_told_as_such() -> None:
    async with asking(f"http://{HOST}:{free_port()}") as client:
        with pytest.raises(UnavailableError, match="does not answer") as raised:
            await client.location("org_1", "loc_1")
    assert raised.value.details == {"retry_after": 1}


async def _slow(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    raise AssertionError("nobody waits so long")


async def _fails(_: web.Request) -> web.StreamResponse:
    return web.json_response({"error": {}}, status=500)


async def _limits(_: web.Request) -> web.StreamResponse:
    return web.json_response({"error": {}}, status=429)


async def _leads_away(request: web.Request) -> web.StreamResponse:
    if request.path == "/elsewhere":
        return web.json_response({"data": {"id": "loc_1", "timezone": "UTC"}})
    return web.Response(status=302, headers={"Location": "/elsewhere"})


async def _mumbles(_: web.Request) -> web.StreamResponse:
    return web.Response(body=b"{", content_type="application/json")


async def _answers_else(_: web.Request) -> web.StreamResponse:
    return web.json_response({"id": "loc_1"})


async def _has_a_page_for_it(_: web.Request) -> web.StreamResponse:
    return web.Response(status=404, text="<h1>Not found</h1>", content_type="text/html")


async def _misses_something_else(_: web.Request) -> web.StreamResponse:
    return web.json_response({"detail": "Not Found"}, status=404)


async def _breaks_off(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


GONE = (_has_a_page_for_it, _misses_something_else)


@pytest.mark.parametrize("handler", [_slow, _fails, _limits, _leads_away, _mumbles, _answers_else, _breaks_off, *GONE])
async def test_whatever_is_no_answer_is_told_in_time(handler: Handler) -> None:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(app) as server, asking(str(server.make_url("")), seconds=0.5) as client, asyncio.timeout(5):
        with pytest.raises(UnavailableError):
            await client.location("org_1", "loc_1")


@pytest.mark.parametrize("handler", GONE)
async def test_what_does_not_refuse_in_bookings_words_has_not_refused(handler: Handler) -> None:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(app) as server, asking(str(server.make_url(""))) as client:
        with pytest.raises(UnavailableError):
            await client.send("POST", "org_1", "/api/v1/holds", body={}, once="wlo_1")


async def test_with_another_key_nothing_is_told(service: WaitlistService, staff: Guest) -> None:
    async with asking(str(service.settings.booking_url), key=secrets.token_hex(16)) as client:
        with pytest.raises(UnavailableError):
            await client.location(staff.org_id, await staff.location())
