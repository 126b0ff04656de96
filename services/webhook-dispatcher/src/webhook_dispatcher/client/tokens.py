"""OAuth 2.0 access tokens for endpoints that ask for one (RFC 6749, section 4.4; RFC 6750).

Invariants: for one set of credentials there is at most one request for a token at a time; tokens and client secrets
are in no error; a token holds nothing that could end a header.
"""

import asyncio
import base64
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

import aiohttp
from aiohttp import ClientSession
from pydantic_core import from_json
from yarl import URL

from chassis.outbound import read_at_most
from webhook_dispatcher.client.responses import failure_of
from webhook_dispatcher.domain.auth import ClientCredentials

_READ_BYTES = 64 * 1024
_KEPT_TOKENS = 10_000
_LIFETIME_SECONDS = 300.0  # where the answer names none
_MAX_LIFETIME_SECONDS = 86_400.0
_EARLY_SECONDS = 30.0  # a token is given up before it expires by so much, or by a fifth of its life
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
_ERROR = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]{1,100}")  # RFC 6749, section 5.2
_OK = 200


class TokenError(Exception):
    """There is no token; the message tells why."""


@dataclass(frozen=True, slots=True)
class _Token:
    text: str = field(repr=False)
    until: float


class Tokens:
    """Fetches tokens, and keeps them until shortly before they expire.

    Args:
        session: speaks HTTP, to vetted addresses only.
        seconds: the deadline of one request for a token.
        timer: tells seconds that never run backwards.
    """

    def __init__(self, session: ClientSession, *, seconds: float, timer: Callable[[], float]) -> None:
        self._session = session
        self._seconds = seconds
        self._timer = timer
        self._kept: OrderedDict[ClientCredentials, _Token] = OrderedDict()
        self._fetching: dict[ClientCredentials, asyncio.Task[_Token]] = {}

    async def get(self, credentials: ClientCredentials, *, other_than: str | None = None) -> str:
        """Tell a token that is good for a while yet.

        Args:
            credentials: what it is asked for with.
            other_than: a token that the endpoint refused.

        Raises:
            TokenError: there is none to be had.
        """
        kept = self._kept.get(credentials)
        if kept is None or kept.text == other_than or self._timer() >= kept.until:
            kept = await asyncio.shield(self._fetch_once(credentials))
        return kept.text

    async def close(self) -> None:
        """Give up the requests that still run."""
        for task in (running := list(self._fetching.values())):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _fetch_once(self, credentials: ClientCredentials) -> asyncio.Task[_Token]:
        """Ask for a token, or join whoever asks already."""
        if credentials not in self._fetching:
            task = asyncio.get_running_loop().create_task(self._fetch(credentials))
            self._fetching[credentials] = task
            task.add_done_callback(lambda ended: self._fetched(credentials, ended))
        return self._fetching[credentials]

    def _fetched(self, credentials: ClientCredentials, ended: asyncio.Task[_Token]) -> None:
        del self._fetching[credentials]
        if ended.cancelled() or ended.exception() is not None:  # also takes note of it where nobody waits any more
            return
        self._kept[credentials] = ended.result()
        self._kept.move_to_end(credentials)
        while len(self._kept) > _KEPT_TOKENS:
            self._kept.popitem(last=False)

    async def _fetch(self, credentials: ClientCredentials) -> _Token:
        asked = self._timer()
        try:
            async with (
                asyncio.timeout(self._seconds),
                self._session.post(
                    URL(credentials.token_url, encoded=True),
                    data=_form(credentials),
                    headers={"authorization": _basic(credentials), "accept": "application/json"},
                    allow_redirects=False,
                ) as response,
            ):
                status, body = response.status, await read_at_most(response.content, _READ_BYTES)
        except TimeoutError:
            raise TokenError(f"the token endpoint gave no complete answer within {self._seconds:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise TokenError(f"the token endpoint could not be asked: {failure_of(error).detail}") from None
        return _read(status, body, asked)


def _form(credentials: ClientCredentials) -> dict[str, str]:
    asked = {
        "grant_type": "client_credentials",
        "scope": credentials.scope,
        "audience": credentials.audience,
    }
    return {name: value for name, value in asked.items() if value is not None}


def _basic(credentials: ClientCredentials) -> str:
    """Name the client as RFC 6749 says (section 2.3.1): both parts form-encoded before they are joined."""
    pair = f"{quote_plus(credentials.client_id)}:{quote_plus(credentials.client_secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _read(status: int, body: bytes, asked: float) -> _Token:
    answer = _object(body)
    if status != _OK:
        error = answer.get("error")
        told = f" ({error})" if isinstance(error, str) and _ERROR.fullmatch(error) else ""
        raise TokenError(f"the token endpoint answered {status}{told}")
    text, kind = answer.get("access_token"), answer.get("token_type")
    if not isinstance(text, str) or not _TOKEN.fullmatch(text):
        raise TokenError("the token endpoint answered no access_token that can be sent")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise TokenError("the token endpoint answered no token of the type Bearer")
    lifetime = _lifetime(answer.get("expires_in"))
    return _Token(text, asked + lifetime - min(_EARLY_SECONDS, lifetime / 5))


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        found = from_json(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _lifetime(told: object) -> float:
    if isinstance(told, bool) or not isinstance(told, int | float | str):
        return _LIFETIME_SECONDS
    try:
        return min(max(0.0, float(told)), _MAX_LIFETIME_SECONDS)
    except (ValueError, OverflowError):
        return _LIFETIME_SECONDS
