"""The stack that a command talks to: from the environment, else from the env file of the running one.

Invariant: a command never guesses an address or a key; what is not set is named, with the way to get it.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from devstack.envfile import setting
from devstack.folder import Folder


class NotSetError(RuntimeError):
    """A setting is missing; the message says which and how to get it."""


class RefusedError(RuntimeError):
    """The API refused a call or does not answer; the message carries its own words.

    Attributes:
        error: what the API says is wrong, empty where it says nothing that could be read.
    """

    def __init__(self, message: str, error: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.error = error or {}


def needed(name: str, folder: Folder) -> str:
    """The setting `name`.

    Raises:
        NotSetError: neither the environment nor a running stack tells it.
    """
    value = setting(name, folder.env)
    if value is None:
        raise NotSetError(f"{name} is not set and no stack is up in {folder.root}: start one with `make up`")
    return value


class MissingStepError(RuntimeError):
    """A step of the demo's journey did not happen; the message says which."""


class Api:
    """Calls to the stack's HTTP API with one key."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Make one call and return the answer's JSON object, empty for an answer without a body.

        Raises:
            RefusedError: the answer is not a success, or there is none.
        """
        try:
            async with self._session.request(method, path, json=body) as answer:
                text = await answer.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise RefusedError(f"{method} {path}: {str(error) or type(error).__name__}") from None
        if not answer.ok:
            raise RefusedError(f"{method} {path}: {answer.status} {text}", _error_in(text))
        content: dict[str, Any] = json.loads(text) if text else {}
        return content


def _error_in(text: str) -> Mapping[str, Any] | None:
    """The error of an answer in the API's shape."""
    try:
        content = json.loads(text)
    except ValueError:
        return None
    error = content.get("error") if isinstance(content, dict) else None
    return error if isinstance(error, dict) else None


@asynccontextmanager
async def connected(folder: Folder) -> AsyncIterator[Api]:
    """The API of the stack, with its demo key or the environment's.

    Raises:
        NotSetError: no stack is known.
    """
    async with api_at(needed("SLOTWIRE_URL", folder), needed("SLOTWIRE_KEY", folder)) as api:
        yield api


@asynccontextmanager
async def api_at(url: str, key: str) -> AsyncIterator[Api]:
    """The API at `url`, called with `key`."""
    async with aiohttp.ClientSession(url, headers={"Authorization": f"Bearer {key}"}) as session:
        yield Api(session)
