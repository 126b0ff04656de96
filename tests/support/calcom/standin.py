"""The server: Cal.com's API v2 on loopback, as far as bookings are read with it.

Invariant: it reads `Life` and never changes it; every request that arrives is counted, whatever becomes of it.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from random import Random
from typing import Any

from aiohttp import web

from devstack.ports import HOST
from support.calcom.asking import FlawedError, asked
from support.calcom.defects import Defects, Malformed
from support.calcom.halting import Halt, Passed
from support.calcom.life import Life
from support.calcom.pages import Lists, old_shape
from support.calcom.rows import Booking
from support.calcom.telling import booking_json
from support.calcom.throttling import Gates

KEY = "cal_live_0123456789abcdef0123456789abcdef"
OFFSETS, CURSORS = "2024-08-13", "2026-05-01"


@dataclass
class StandIn:
    """One Cal.com.

    Attributes:
        url: what a client takes for `https://api.cal.com`.
        key: the API key that is right.
        requests: how many requests came, by path.
        asked: the query of each list that was asked for.
        served: the uids of all bookings that were given out.
        halts: what requests pass by, and where they may stand still.
    """

    life: Life = field(default_factory=Life)
    defects: Defects = field(default_factory=Defects)
    url: str = ""
    key: str = KEY
    requests: Counter[str] = field(default_factory=Counter)
    asked: list[dict[str, str]] = field(default_factory=list)
    served: set[str] = field(default_factory=set)
    halts: list[Passed] = field(default_factory=list)
    _gates: Gates = field(default_factory=Gates)
    _random: Random = field(default_factory=lambda: Random(1))

    @property
    def count(self) -> int:
        """How many requests came."""
        return self.requests.total()

    def halt(self, path: str, *, passing: int = 0) -> Halt:
        """Have a request to a path that begins so stand still, behind so many others that pass."""
        halt = Halt(path, passing)
        self.halts.append(halt)
        return halt

    def application(self) -> web.Application:
        """Make what serves it."""
        app = web.Application()
        app.router.add_get("/v2/me", self._me)
        app.router.add_get("/v2/bookings", self._list)
        app.router.add_get("/v2/bookings/{uid}", self._one)
        app.middlewares.append(self._gate)
        return app

    @web.middleware
    async def _gate(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.requests[request.path] += 1
        for halt in self.halts:
            await halt.pass_by(request.path)
        if self.defects.delay:
            await asyncio.sleep(self.defects.delay)
        if self.defects.down:
            assert request.transport is not None
            request.transport.abort()
            return web.Response(status=503)
        key = request.headers.get("Authorization", "").removeprefix("Bearer ")
        headers: dict[str, str] = {}
        if self.defects.throttle is not None:
            passes, headers = self._gates.take(key, self.defects.throttle)
            if not passes:
                return _error(request, 429, "ThrottlerException", "ThrottlerException: Too Many Requests", headers)
        return await self._answered(request, handler, key, headers)

    async def _answered(self, request: web.Request, handler: Any, key: str, headers: Mapping[str, str]) -> web.Response:
        if self.defects.failing:
            self.defects.failing -= 1
            return _error(request, 500, "InternalServerErrorException", "Internal server error", headers)
        if key != self.key:
            return _error(request, 401, "UnauthorizedException", "ApiKeyAuthStrategy - api key is not valid", headers)
        try:
            answer: web.Response = await handler(request)
        except FlawedError as flawed:
            return _error(request, 400, "BadRequestException", "Bad Request Exception", headers, flawed.errors)
        except web.HTTPNotFound:
            return _error(request, 404, "NotFoundException", f"Cannot GET {request.path_qs}", headers)
        answer.headers.update(headers)
        return answer

    async def _me(self, _: web.Request) -> web.Response:
        owner = self.life.owner
        told = {
            "id": owner.id,
            "username": owner.email.partition("@")[0],
            "email": owner.email,
            "name": owner.name,
            "avatarUrl": None,
            "bio": None,
            "timeFormat": 24,
            "defaultScheduleId": None,
            "weekStart": "Monday",
            "timeZone": owner.timezone,
            "organizationId": None,
        }
        return web.json_response({"status": "success", "data": told})

    async def _list(self, request: web.Request) -> web.Response:
        version = self._version(request)
        rows = self.life.rows(self.life.now - self.defects.list_lag)
        self.asked.append(dict(request.query))
        if version is None:
            return web.json_response({"status": "success", "data": old_shape(rows)})
        what, lists = asked(request.query, by_cursor=version == CURSORS), Lists(self.defects, self._random)
        what = replace(what, take=min(what.take, self.defects.short_pages or what.take))
        if self.defects.stuck or self.defects.endless_list:
            what = replace(what, skip=0, cursor=None, bounds={})
        if version == CURSORS:
            if self.defects.cursor_mode_hangs:
                return web.Response(status=524, text="error code: 524")
            chosen, pagination = lists.page_by_cursor(rows, what, self.life.now)
        else:
            chosen, pagination = lists.page(rows, what, self.life.now)
        return self._page(chosen, pagination)

    async def _one(self, request: web.Request) -> web.Response:
        uid, at = request.match_info["uid"], self.life.now - self.defects.read_lag
        if self.defects.endless_chain is not None and uid.startswith(self.defects.endless_chain):
            return web.json_response({"status": "success", "data": self._moved_on(uid, self.defects.endless_chain)})
        if uid in self.defects.forbidden:
            return _error(request, 403, "ForbiddenException", "Forbidden", {})
        row = self.life.row(uid, at)
        if row is not None:
            return web.json_response({"status": "success", "data": self._json(row)})
        series = [each for each in self.life.rows(at) if each.recurring_uid == uid]
        if series:
            told = [self._json(each) for each in series]
            return web.json_response({"status": "success", "data": told})
        return _error(request, 404, "NotFoundException", f"Booking with uid={uid} was not found in the database", {})

    def _version(self, request: web.Request) -> str | None:
        """Tell which version answers; an unknown one falls back silently to the oldest, which is None here."""
        version = request.headers.get("cal-api-version")
        return version if version in {OFFSETS, CURSORS} and not self.defects.old_version else None

    def _json(self, row: Booking) -> dict[str, Any]:
        self.served.add(row.uid)
        if self.defects.mixed_people:
            row = replace(row, attendees=tuple(self._random.sample(row.attendees, len(row.attendees))))
        return booking_json(row, self.defects)

    def _moved_on(self, uid: str, first: str) -> dict[str, Any]:
        """Tell of a booking of the chain without end: each names the next one."""
        number = int(uid.removeprefix(first).removeprefix("-") or 0)
        told = self._json(self.life.last_row(first))
        return told | {"uid": uid, "status": "cancelled", "rescheduledToUid": f"{first}-{number + 1}"}

    def _page(self, chosen: list[Booking], pagination: dict[str, Any]) -> web.Response:
        told: list[Any] = [self._json(row) for row in chosen]
        if self.defects.endless_list:
            told = [one | {"uid": f"{one['uid']}-{self.count}"} for one in told]
        page: dict[str, Any] = {"status": "success", "data": told, "pagination": pagination}
        match self.defects.malformed:
            case None:
                return web.json_response(page)
            case Malformed.CUT_OFF:
                return web.Response(text=json.dumps(page)[:-20], content_type="application/json")
            case Malformed.NO_JSON:
                return web.Response(text="<!doctype html><title>Cal.com</title>", content_type="text/html")
            case Malformed.NO_LIST:
                page["data"] = "bookings"
            case Malformed.NO_OBJECT:
                told.append(42)
            case Malformed.NO_UID:
                told.append({name: value for name, value in told[-1].items() if name != "uid"} if told else {})
            case Malformed.NO_START:
                told.append((told[-1] if told else {}) | {"start": "soon"})
        return web.json_response(page)


def _error(
    request: web.Request,
    status: int,
    code: str,
    message: str,
    headers: Mapping[str, str],
    errors: list[str] | None = None,
) -> web.Response:
    told = {
        "status": "error",
        "timestamp": datetime.now(UTC).isoformat(),
        "path": request.path_qs,
        "error": {
            "code": code,
            "message": message,
            "details": {"message": message, "statusCode": status} if errors is None else {"errors": errors},
        },
    }
    return web.json_response(told, status=status, headers={"X-Request-Id": "stand-in", **headers})


@asynccontextmanager
async def standin(life: Life | None = None, **given: Any) -> AsyncIterator[StandIn]:
    """Serve one on a free port of loopback for the block."""
    calcom = StandIn(life or Life(), **given)
    runner = web.AppRunner(calcom.application(), access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    calcom.url = f"http://{HOST}:{runner.addresses[0][1]}"
    try:
        yield calcom
    finally:
        await runner.cleanup()
