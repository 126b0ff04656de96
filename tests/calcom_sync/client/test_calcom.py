"""One exchange with Cal.com, and what becomes of it when it fails."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from calcom_sync.client import Account, Asked, CalcomClient
from calcom_sync.domain.errors import (
    CalcomError,
    CalcomMalformedError,
    CalcomThrottledError,
    CalcomUnauthorizedError,
    CalcomUnreachableError,
    CalcomUnreadableError,
    CalcomWrongVersionError,
)
from calcom_sync.domain.integration import Pagination
from devstack.ports import HOST, free_port
from slotwire_contracts import CalcomEventType
from support.calcom import Attendee, Kind, Malformed, StandIn, Throttle
from support.calcom.life import BEGINNING
from support.calcom_client import account, calcom_client
from support.loads import beside

TestServer.__test__ = False  # its name makes pytest take it for a test


@asynccontextmanager
async def answering(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> Any:
    """A server that is no Cal.com: every request goes to the handler; yields its account."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(app, host=HOST) as server:
        base = str(server.make_url("")).rstrip("/")
        yield Account(base, "cal_live_of_somebody", "2024-08-13", Pagination.OFFSET)


async def test_one_booking_is_read_by_its_uid(calcom: StandIn, client: CalcomClient) -> None:
    uid = calcom.life.create(BEGINNING, Attendee(phone="+491"), description="Bring it", metadata={"a": "b"})
    row = await client.of(account(calcom)).get(uid)
    assert row is not None
    assert (row.uid, row.status, row.start, row.metadata) == (uid, "accepted", BEGINNING, {"a": "b"})
    assert (row.description, row.event_type) == ("Bring it", CalcomEventType(id=50, slug="consultation"))
    assert [(one.email, one.phone, one.seat_uid) for one in row.attendees] == [("ada@guest.example", "+491", None)]
    assert ([one.email for one in row.hosts], row.timezone) == (["hanna@host.example"], "Europe/Berlin")
    assert (row.cancellation_reason, row.rescheduled_to, row.is_seated) == (None, None, False)


@pytest.mark.parametrize("uid", ["gone", "..", "../me", "a/b?c=d#e", "ü"])
async def test_what_cal_com_does_not_have_is_none(calcom: StandIn, client: CalcomClient, uid: str) -> None:
    assert await client.of(account(calcom)).get(uid) is None
    (path,) = calcom.requests
    assert path == f"/v2/bookings/{uid}"


async def test_a_row_of_a_series_and_one_with_seats(calcom: StandIn, client: CalcomClient) -> None:
    asked = client.of(account(calcom))
    first, second = calcom.life.create_series([BEGINNING, BEGINNING.replace(day=12)])
    rows = [await asked.get(uid) for uid in (first, second)]
    assert len({row.recurring_booking_uid for row in rows if row}) == 1
    series = rows[0].recurring_booking_uid if rows[0] else None
    assert series is not None
    assert await asked.get(series) is None
    seated = await asked.get(calcom.life.create(BEGINNING, Attendee(), Attendee(email="b@x.y"), kind=Kind(seats=True)))
    assert seated is not None
    assert seated.is_seated
    assert all(one.seat_uid for one in seated.attendees)


async def test_whose_key_it_is(calcom: StandIn, client: CalcomClient) -> None:
    owner = await client.of(account(calcom)).owner()
    assert (owner.id, owner.email) == (calcom.life.owner.id, "hanna@host.example")


async def test_a_key_that_is_refused_is_told_at_once(calcom: StandIn, client: CalcomClient) -> None:
    asked = client.of(account(calcom, api_key="cal_live_another"))
    with pytest.raises(CalcomUnauthorizedError) as caught:
        await asked.page(Asked())
    assert asked.requests == 1
    assert "cal_live_another" not in f"{caught.value!r} {asked!r} {account(calcom)!r}"


async def test_what_passes_is_tried_again_and_what_stays_is_told(calcom: StandIn, client: CalcomClient) -> None:
    calcom.life.create(BEGINNING)
    calcom.defects.failing = 2
    asked = client.of(account(calcom))
    assert len((await asked.page(Asked())).rows) == 1
    assert asked.requests == 3
    calcom.defects.failing = 3
    with pytest.raises(CalcomUnreachableError, match="answers 500"):
        await asked.page(Asked())
    calcom.defects.failing = 0
    calcom.defects.down = True
    with pytest.raises(CalcomUnreachableError, match="the connection was cut off"):
        await asked.page(Asked())


async def test_a_server_that_says_nothing_is_waited_for_so_long(calcom: StandIn) -> None:
    calcom.defects.delay = 5.0
    async with calcom_client(seconds=0.1, tries=2) as client:
        began = time.monotonic()
        with pytest.raises(CalcomUnreachableError, match=r"no complete answer within 0\.1 s"):
            await client.of(account(calcom)).page(Asked())
        assert 0.2 <= time.monotonic() - began < 2.0


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.6 of-the-inner-network\r\n",
        b"220 of-the-inner-network ESMTP\r\n",
        b"HTTP/1.1 of-the-inner-network\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nof-the-inner-network\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: of-the-inner-network\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nof-the-inner-network\r\n",
        b'HTTP/1.1 200 OK\r\n\r\n{"data": [{"uid": "A", "status": "accepted", "start": "of-the-inner-network"}]}',
        b'HTTP/1.1 200 OK\r\n\r\n{"data": [{"of-the-inner-network": 1}]}',
    ],
)
async def test_no_word_of_what_answers_is_told(client: CalcomClient, answer: bytes) -> None:
    """Who sets `base_url` must not read by it what else is there."""

    async def speak(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(speak, HOST, 0) as server:
        port = server.sockets[0].getsockname()[1]
        somebody = Account(f"http://{HOST}:{port}", "cal_live_of_somebody", "2024-08-13", Pagination.OFFSET)
        with pytest.raises(CalcomError) as caught:
            await client.of(somebody).page(Asked())
    assert "inner" not in caught.value.message


async def test_an_address_where_nobody_is_is_not_waited_for_long(calcom: StandIn) -> None:
    with socket.create_server((HOST, 0), backlog=0) as full, contextlib.ExitStack() as waiting:
        for _ in range(4):  # who comes behind those for whom there is room hears nothing
            one = waiting.enter_context(socket.socket())
            one.settimeout(0)
            one.connect_ex(full.getsockname())
        async with calcom_client(connecting=0.2, seconds=5.0, tries=1) as client:
            nobody = account(calcom, base_url=f"http://{HOST}:{full.getsockname()[1]}")
            with pytest.raises(CalcomUnreachableError, match=r"no connection within 0\.2 s"):
                await client.of(nobody).page(Asked())


async def test_where_nobody_listens_or_nothing_may_be_asked(calcom: StandIn, client: CalcomClient) -> None:
    nowhere = account(calcom, base_url=f"http://{HOST}:{free_port()}")
    with pytest.raises(CalcomUnreachableError):
        await client.of(nowhere).page(Asked())
    async with calcom_client(()) as strict:
        asked = strict.of(account(calcom))
        with pytest.raises(CalcomUnreachableError, match=r"must lead to a public address; .* is refused: loopback"):
            await asked.page(Asked())
        assert (asked.requests, calcom.count) == (1, 0)


@pytest.mark.parametrize(
    ("status", "text", "error"),
    [
        (404, "<h1>Not Found</h1>", CalcomUnreachableError),
        (404, '{"error": {"code": "NotFoundException", "message": "Cannot GET /v2/bookings"}}', CalcomUnreachableError),
        (301, "", CalcomUnreachableError),
        (204, "", CalcomUnreachableError),
        (403, "{}", CalcomUnauthorizedError),
        (400, "{}", CalcomMalformedError),
        (200, "<h1>Hello</h1>", CalcomMalformedError),
        (200, "[" * 100_000, CalcomMalformedError),
        (200, "[]", CalcomWrongVersionError),
        (200, '{"data": null}', CalcomWrongVersionError),
    ],
)
async def test_what_is_no_cal_com_is_told(
    client: CalcomClient, status: int, text: str, error: type[CalcomError]
) -> None:
    paths: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        paths.append(request.path)
        return web.Response(status=status, text=text, headers={"Location": "/"})

    async with answering(answer) as somebody:
        with pytest.raises(error):
            await client.of(somebody).page(Asked())
        with pytest.raises(CalcomError):  # in particular, a booking is not taken for deleted
            await client.of(somebody).get("uid")
    assert paths == ["/v2/bookings", "/v2/bookings/uid"]  # no redirect is followed


async def test_no_more_is_held_of_an_answer_than_a_bound(client: CalcomClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def pour(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" " * 65_536)

    monkeypatch.setattr("calcom_sync.client.calcom._ANSWER_BYTES", 1024 * 1024)
    async with answering(pour) as somebody:
        with pytest.raises(CalcomMalformedError, match="more than 1 MiB"):
            await client.of(somebody).page(Asked())


@pytest.mark.parametrize("how", Malformed)
async def test_a_page_that_is_broken_is_told(calcom: StandIn, client: CalcomClient, how: Malformed) -> None:
    calcom.life.create(BEGINNING)
    calcom.defects.malformed = how
    error = CalcomWrongVersionError if how is Malformed.NO_LIST else CalcomMalformedError
    with pytest.raises(error) as caught:
        await client.of(account(calcom)).page(Asked())
    assert "ada@guest.example" not in str(caught.value)


async def test_another_version_that_answers_silently_is_noticed(calcom: StandIn, client: CalcomClient) -> None:
    uid = calcom.life.create(BEGINNING)
    calcom.defects.old_version = True
    with pytest.raises(CalcomWrongVersionError):
        await client.of(account(calcom)).page(Asked())
    calcom.defects.old_version = False
    row = await client.of(account(calcom)).get(uid)
    assert row is not None


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (403, {"status": "error", "error": {"code": "ForbiddenException", "message": "Forbidden"}}),
        (400, {"status": "error", "error": {"code": "BadRequestException", "message": "Bad Request"}}),
        (200, {"status": "success", "data": None}),
        (200, {"status": "success"}),
        (200, {"status": "success", "data": {"uid": "uid"}}),
        (200, "no booking"),
    ],
)
async def test_one_booking_that_is_not_given_out_is_told_apart(client: CalcomClient, status: int, told: object) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(told, status=status)

    async with answering(answer) as somebody:
        with pytest.raises(CalcomUnreadableError):
            await client.of(somebody).get("uid")


async def test_of_a_series_no_other_is_looked_at(client: CalcomClient) -> None:
    times = dict.fromkeys(("start", "end", "createdAt"), "2026-01-05T08:00:00Z")
    data = [{"uid": "other"}] * 1_000 + [{"uid": "uid", "status": "accepted", **times}]

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"status": "success", "data": data})

    async with answering(answer) as somebody:
        row = await client.of(somebody).get("uid")
    assert row is not None
    assert row.uid == "uid"


async def test_what_is_large_is_read_beside_all_else(client: CalcomClient) -> None:
    people = '{"name": "\\u0000"},' * 500_000

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=f'{{"data": [{{"attendees": [{people}{{}}]}}]}}', content_type="application/json")

    async with answering(answer) as somebody:
        with beside() as work, pytest.raises(CalcomMalformedError, match=r"data\.0\.uid: Field required"):
            await client.of(somebody).page(Asked())
    assert work.here < work.beside


async def test_the_old_version_of_one_booking_is_noticed(client: CalcomClient) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"status": "success", "data": {"uid": "uid", "startTime": "2026-01-05T08:00:00Z"}})

    async with answering(answer) as somebody:
        with pytest.raises(CalcomWrongVersionError):
            await client.of(somebody).get("uid")


async def test_a_key_that_may_nothing_is_refused(client: CalcomClient) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"status": "error"}, status=403)

    async with answering(answer) as somebody:
        for asked in (client.of(somebody).owner(), client.of(somebody).page(Asked())):
            with pytest.raises(CalcomUnauthorizedError):
                await asked


async def test_who_is_locked_out_comes_again_when_the_lock_ends(calcom: StandIn, client: CalcomClient) -> None:
    calcom.defects.throttle = Throttle(limit=1, window=60.0, block=1.0)
    asked = client.of(account(calcom))
    await asked.page(Asked())
    began = time.monotonic()
    await asked.page(Asked())
    assert 1.0 <= time.monotonic() - began < 2.5
    assert asked.requests == 3


async def test_whoever_has_the_same_key_waits_too(calcom: StandIn, client: CalcomClient) -> None:
    calcom.defects.throttle = Throttle(limit=1, window=0.0, block=1.0)
    await client.of(account(calcom)).page(Asked())
    calcom.defects.throttle = Throttle(limit=0, window=60.0, block=1.0)
    first = asyncio.create_task(client.of(account(calcom)).page(Asked()))
    while calcom.count < 2:
        await asyncio.sleep(0.01)
    calcom.defects.throttle = None
    began = time.monotonic()
    await client.of(account(calcom)).page(Asked())
    assert time.monotonic() - began > 0.8
    await first


async def test_a_lock_that_is_too_long_is_told(calcom: StandIn) -> None:
    calcom.defects.throttle = Throttle(limit=0, block=30.0)
    async with calcom_client(longest_lock=3.0) as client:
        asked = client.of(account(calcom))
        with pytest.raises(CalcomThrottledError):
            await asked.page(Asked())
        assert asked.requests == 1
        async with asyncio.timeout(3.0):  # who comes next is told at once, and Cal.com is left alone
            with pytest.raises(CalcomThrottledError):
                await client.of(account(calcom)).page(Asked())
        assert calcom.count == 1


async def test_the_pace_is_kept_by_all_who_have_the_key(calcom: StandIn) -> None:
    async with calcom_client(pace=0.1) as client:
        began = time.monotonic()
        await asyncio.gather(*(client.of(account(calcom)).page(Asked()) for _ in range(4)))
        assert time.monotonic() - began >= 0.3
        other = client.of(account(calcom, api_key="cal_live_another"))
        began = time.monotonic()
        with pytest.raises(CalcomUnauthorizedError):
            await other.page(Asked())
        assert time.monotonic() - began < 0.1


async def test_a_closed_client_asks_nothing(calcom: StandIn) -> None:
    async with calcom_client() as client:
        pass
    with pytest.raises(RuntimeError, match="not open"):
        client.of(account(calcom))


async def test_the_key_and_the_version_are_sent(client: CalcomClient) -> None:
    seen: list[aiohttp.typedefs.LooseHeaders] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(dict(request.headers))
        return web.json_response({"status": "success", "data": []})

    async with answering(answer) as somebody:
        await client.of(somebody).page(Asked())
    (headers,) = seen
    assert isinstance(headers, dict)
    assert headers["Authorization"] == "Bearer cal_live_of_somebody"
    assert (headers["cal-api-version"], headers["User-Agent"]) == ("2024-08-13", "Slotwire/test")
