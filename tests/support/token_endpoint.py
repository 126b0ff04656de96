"""The token endpoint of an authorization server, a real server on loopback."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

from aiohttp import web

from support.serving import serving
from webhook_dispatcher.domain.auth import ClientCredentials


@dataclass
class TokenEndpoint:
    """Gives a new token each time.

    Attributes:
        instead: the status and the body that are answered instead of a token, as long as they are set.
        more: keys of the answer beside the token.
        pause: seconds before each answer.
        asked: the form of each request, with the client that it named.
    """

    url: str = ""
    instead: tuple[int, bytes] | None = None
    more: dict[str, Any] = field(default_factory=lambda: {"token_type": "Bearer", "expires_in": 3600})
    pause: float = 0.0
    asked: list[dict[str, str]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    @property
    def credentials(self) -> ClientCredentials:
        """What tokens are asked for with here."""
        return ClientCredentials(
            self.url, "slotwire", "a:secret+%41/ü", "hooks.write hooks.read", "https://hooks.example"
        )

    async def take(self, request: web.Request) -> web.Response:
        kind, _, pair = request.headers["authorization"].partition(" ")
        client, _, secret = base64.b64decode(pair).decode().partition(":")
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append({"kind": kind, "client": unquote_plus(client), "secret": unquote_plus(secret), **form})
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(self.pause)
        self.at_once -= 1
        if self.instead is not None:
            status, body = self.instead
            return web.Response(status=status, body=body, headers={"location": "/token"})
        return web.json_response({"access_token": f"token-{len(self.asked)}", **self.more})


@asynccontextmanager
async def token_endpoint(**given: Any) -> AsyncIterator[TokenEndpoint]:
    """Listen on a free port of loopback for the block."""
    told = TokenEndpoint(**given)
    async with serving("/token", told.take) as origin:
        told.url = f"{origin}/token"
        yield told
