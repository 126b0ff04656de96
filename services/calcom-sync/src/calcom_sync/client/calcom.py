"""The client of Cal.com's API v2.

Invariants: every exchange has a deadline, and no more of an answer is held than a bound; what can pass is tried again
with jitter, what cannot is told at once, in words of our own; nothing is asked more often than the pace allows; an
answer is read beside the event loop, so that the largest one stops nobody.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import quote

import aiohttp
import stamina
from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from pydantic import ValidationError
from yarl import URL

from calcom_sync.client.answers import LockedOutError, NothingThereError, Received, RetryLaterError, read
from calcom_sync.client.lists import MOST, Asked, Page, Position, query, read_page, read_rows
from calcom_sync.client.models import OwnerTold
from calcom_sync.client.pacing import Pacer
from calcom_sync.domain.errors import (
    CalcomEndlessError,
    CalcomForbiddenError,
    CalcomMalformedError,
    CalcomThrottledError,
    CalcomUnreachableError,
    CalcomUnreadableError,
    CalcomWrongVersionError,
    NotConfiguredError,
)
from calcom_sync.domain.integration import Integration, Pagination
from calcom_sync.domain.row import Row
from chassis.outbound import BlockedAddressError, Guard, read_at_most

_BOOKINGS = "/v2/bookings"
_ANSWER_BYTES = 16 * 1024 * 1024
_KEEP_ALIVE_SECONDS = 15.0
_RESET = "X-RateLimit-Reset-Default"
_FAILURES: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "its name cannot be resolved"),
    (aiohttp.ClientSSLError, "no TLS connection that can be trusted"),
    (aiohttp.ClientConnectorError, "no connection"),
    (aiohttp.ClientConnectionError, "the connection was cut off"),
    (aiohttp.ClientPayloadError, "the answer broke off"),
    (aiohttp.ClientResponseError, "the answer is not HTTP"),
)
"""What is told of each; never the error's own words, in which the answer of whatever is there may stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How Cal.com is asked.

    Attributes:
        seconds: the deadline of one exchange.
        connecting: seconds of these that a connection may take: an address where nobody is does not refuse it.
        pace: seconds between two requests with one key.
        tries: how often a request is made at most.
        first_wait: seconds before the second try; they double from there, up to
        longest_wait: seconds, with jitter; and
        longest_lock: seconds that are waited for, at most, where Cal.com has locked the key out.
    """

    seconds: float = 30.0
    connecting: float = 5.0
    pace: float = 0.5
    tries: int = 5
    first_wait: float = 0.5
    longest_wait: float = 10.0
    longest_lock: float = 120.0


@dataclass(frozen=True, slots=True)
class Account:
    """Whose bookings are asked for, where, and how."""

    base_url: str
    api_key: str = field(repr=False)
    api_version: str
    pagination: Pagination

    @classmethod
    def of(cls, one: Integration) -> Self:
        """Tell the account of an integration.

        Raises:
            NotConfiguredError: its API key cannot be read.
        """
        if one.api_key is None:
            raise NotConfiguredError("the API key for Cal.com cannot be read; set the integration again")
        return cls(one.terms.base_url, one.api_key, one.terms.api_version, one.terms.pagination)


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much may be asked.

    Attributes:
        requests: how many requests.
        seconds: for how long from now.
    """

    requests: int
    seconds: float


class CalcomClient:
    """Asks Cal.com over one session, which is open as long as `opened` is entered.

    Args:
        guard: resolves names and makes sockets.
        limits: how it asks.
        user_agent: what every request calls itself.
    """

    def __init__(self, guard: Guard, limits: Limits, *, user_agent: str) -> None:
        self._guard = guard
        self._limits = limits
        self._user_agent = user_agent
        self._pacer = Pacer(limits.pace)
        self._session: ClientSession | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Hold the session open for the block."""
        connector = TCPConnector(
            resolver=self._guard,
            socket_factory=self._guard.socket,
            limit=0,
            keepalive_timeout=_KEEP_ALIVE_SECONDS,
        )
        async with ClientSession(
            connector=connector,
            cookie_jar=DummyCookieJar(),
            headers={"User-Agent": self._user_agent, "Accept": "application/json"},
            timeout=ClientTimeout(total=None, sock_connect=self._limits.connecting),
        ) as session:
            self._session = session
            try:
                yield
            finally:
                self._session = None

    def of(self, account: Account, allowance: Allowance | None = None) -> "Calcom":
        """Ask for an account, without end if nothing is said about it.

        Raises:
            RuntimeError: the client is not open.
        """
        if self._session is None:
            raise RuntimeError("the client is not open")
        return Calcom(account, self._session, self._pacer, self._limits, allowance)


class Calcom:
    """One account's bookings.

    Attributes:
        requests: how many requests were made for it, those that failed included.
    """

    def __init__(
        self, account: Account, session: ClientSession, pacer: Pacer, limits: Limits, allowance: Allowance | None
    ) -> None:
        self.requests = 0
        self._most = None if allowance is None else allowance.requests
        self._until = None if allowance is None else time.monotonic() + allowance.seconds
        self._account = account
        self._session = session
        self._pacer = pacer
        self._limits = limits

    async def page(self, asked: Asked, position: Position | None = None) -> Page:
        """Read a page of a list, with as many bookings as Cal.com gives.

        Args:
            asked: which bookings.
            position: where the page begins; at the beginning by default.

        Raises:
            CalcomError: it cannot be read.
        """
        place, mode = position or Position(), self._account.pagination
        try:
            answer = await self._ask(_BOOKINGS, query(asked, place, mode))
        except NothingThereError:
            raise CalcomUnreachableError("there is no API of Cal.com at base_url: it has no bookings") from None
        return await asyncio.to_thread(read_page, answer, place, MOST[mode])

    async def pages(self, asked: Asked, position: Position | None = None) -> AsyncIterator[Page]:
        """Read the pages of a list, from a position to its end.

        Raises:
            CalcomError: one cannot be read, or comes twice.
        """
        place: Position | None = position or Position()
        before: tuple[str, ...] = ()
        while place is not None:
            page = await self.page(asked, place)
            uids = tuple(row.uid for row in page.rows)
            if uids and uids == before:
                raise CalcomMalformedError("Cal.com answers the same page again and again")
            yield page
            before, place = uids, page.following

    async def get(self, uid: str) -> Row | None:
        """Read one booking; None if Cal.com does not have it.

        Raises:
            CalcomUnreadableError: this one cannot be read.
            CalcomError: none can.
        """
        try:
            answer = await self._ask(f"{_BOOKINGS}/{quote(uid, safe='').replace('.', '%2E')}", {})
            return await asyncio.to_thread(_booking, answer, uid)
        except NothingThereError:
            return None
        except (CalcomForbiddenError, CalcomMalformedError) as error:
            raise CalcomUnreadableError(error.message) from None

    async def owner(self) -> OwnerTold:
        """Read whose the API key is.

        Raises:
            CalcomError: it cannot be read.
        """
        try:
            answer = await self._ask("/v2/me", {})
            return OwnerTold.read(answer["data"])
        except NothingThereError:
            raise CalcomUnreachableError("there is no API of Cal.com at base_url: it knows nobody") from None
        except (ValidationError, LookupError, TypeError):
            raise CalcomMalformedError("Cal.com answered nobody to whom the API key belongs") from None

    async def _ask(self, path: str, asked: Mapping[str, str]) -> Any:
        """Make a request until it succeeds, or cannot."""
        limits = self._limits
        retries = stamina.retry_context(
            on=self._wait,
            attempts=limits.tries,
            timeout=None,
            wait_initial=limits.first_wait,
            wait_max=limits.longest_wait,
            wait_jitter=limits.first_wait,
        )
        try:
            async for attempt in retries:
                with attempt:
                    return await asyncio.to_thread(read, await self._exchange(path, asked), time.time)
        except LockedOutError:
            raise CalcomThrottledError("Cal.com has locked the API key out; try again later") from None
        except RetryLaterError as error:
            raise CalcomUnreachableError(f"Cal.com cannot be reached: {error}") from None
        raise AssertionError("a retry ends with an answer or an error")

    def _check_allowance(self) -> None:
        if self._most is not None and self.requests >= self._most:
            raise CalcomEndlessError("Cal.com's answers have no end within the requests that a sync may make")
        if self._until is not None and time.monotonic() >= self._until:
            raise CalcomEndlessError("Cal.com's answers have no end within the time that a sync may take")

    def _wait(self, error: Exception) -> bool | float:
        """Tell whether, or in how many seconds, another try follows."""
        if not isinstance(error, LockedOutError):
            return isinstance(error, RetryLaterError)
        self._pacer.lock_out(self._account.api_key, error.seconds)
        return error.seconds if error.seconds <= self._limits.longest_lock else False

    async def _exchange(self, path: str, asked: Mapping[str, str]) -> Received:
        if (left := self._pacer.left(self._account.api_key)) > self._limits.longest_lock:
            raise LockedOutError(left)
        await self._pacer.turn(self._account.api_key)
        self._check_allowance()
        self.requests += 1
        headers = {"Authorization": f"Bearer {self._account.api_key}", "cal-api-version": self._account.api_version}
        url = URL(self._account.base_url + path, encoded=True).with_query(asked)
        try:
            async with (
                asyncio.timeout(self._limits.seconds),
                self._session.get(url, headers=headers, allow_redirects=False) as response,
            ):
                body = await read_at_most(response.content, _ANSWER_BYTES + 1)
        except aiohttp.ConnectionTimeoutError:
            raise RetryLaterError(f"no connection within {self._limits.connecting:g} s") from None
        except TimeoutError:
            raise RetryLaterError(f"no complete answer within {self._limits.seconds:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise _failure(error) from None
        if len(body) > _ANSWER_BYTES:
            raise CalcomMalformedError(f"Cal.com answered more than {_ANSWER_BYTES // 1024 // 1024} MiB")
        return Received(response.status, response.headers.get(_RESET), body)


def _booking(answer: Any, uid: str) -> Row | None:
    data = answer.get("data") if isinstance(answer, dict) else None
    if isinstance(data, list):  # of a series, asked for by what its bookings have in common
        return next(iter(read_rows([one for one in data if isinstance(one, dict) and one.get("uid") == uid][:1])), None)
    if isinstance(data, dict) and "startTime" in data:
        raise CalcomWrongVersionError("Cal.com answered in the words of another version of its API")
    return read_rows([data])[0]


def _failure(error: Exception) -> Exception:
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, BlockedAddressError):
        return CalcomUnreachableError(f"base_url must lead to a public address; {cause}", param="base_url")
    return RetryLaterError(next((told for kind, told in _FAILURES if isinstance(error, kind)), "the exchange failed"))
