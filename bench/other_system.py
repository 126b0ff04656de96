"""The description of another system: how to post to it, and where in its webhooks our marker comes back.

Invariant: a load is sent to this machine only (127.0.0.0/8 or localhost); a description that says otherwise, or has a
placeholder that nothing fills, is refused before anything is sent.
"""

import ipaddress
import json
import os
import re
import tomllib
from collections import ChainMap
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from string import Template
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from yarl import URL

from bench.bookings import FIRST, MINUTES

MARKER = re.compile(r"bench-[0-9a-f]{8}-\d+-\d{7}")


class DescriptionError(ValueError):
    """The file does not describe a system; the message says why."""


def _of_this_machine(url: str) -> str:
    host = URL(url).host or ""
    if host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback):
        return url
    raise ValueError(f"a load is sent to this machine only, not to {host!r}")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Request(_Part):
    """A POST; `$` and a name in its headers and its body stand for what is filled in, or for an environment variable.

    Attributes:
        url: where to.
        headers: beside `Content-Type: application/json`.
        body: its text.
    """

    url: Annotated[str, AfterValidator(_of_this_machine)]
    headers: dict[str, str] = {}
    body: str

    def filled(self, values: Mapping[str, str]) -> tuple[dict[str, str], bytes]:
        """Answer headers and body.

        Raises:
            DescriptionError: nothing is known for a placeholder.
        """
        known = ChainMap(dict(values), os.environ)
        try:
            headers = {name: Template(value).substitute(known) for name, value in self.headers.items()}
            return {"Content-Type": "application/json", **headers}, Template(self.body).substitute(known).encode()
        except KeyError as error:
            raise DescriptionError(f"nothing is known for ${error.args[0]}") from error
        except ValueError as error:
            raise DescriptionError(f"{error}; a dollar sign itself is written $$") from error


class Webhook(_Part):
    """The webhooks that come of the POSTs.

    Attributes:
        host: the address of this machine that they are sent to.
        port: and its port.
        marker: the field whose text has the marker in it: names, and numbers in lists, with dots between them.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 9900
    marker: Annotated[str, Field(min_length=1)]

    @property
    def origin(self) -> str:
        """Where our receiver is."""
        return f"http://{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """Where webhooks have to be sent."""
        return f"{self.origin}/hooks"


class OtherSystem(_Part):
    """Another system.

    Attributes:
        post: what makes it send a webhook; `$marker`, `$number`, `$start` and `$end` are of each request.
        subscribe: what is posted first, if anything; `$receiver` is where webhooks have to be sent.
        processes: the numbers of its processes, by names; their processor time and memory are told.
    """

    name: str
    post: Request
    webhook: Webhook
    subscribe: Request | None = None
    processes: dict[str, int] = {}


def read(path: Path) -> OtherSystem:
    """Read a description.

    Raises:
        DescriptionError: it is none.
    """
    try:
        system = OtherSystem.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise DescriptionError(f"{path}: {error}") from error
    system.post.filled(values("bench-00000000-0", 0))
    if system.subscribe is not None:
        system.subscribe.filled({"receiver": system.webhook.url})
    return system


def values(load: str, number: int) -> dict[str, str]:
    """Tell what is filled into the n-th request of a load: each has a half hour of its own."""
    start = FIRST + number * timedelta(minutes=MINUTES)
    end = start + timedelta(minutes=MINUTES)
    times = {"start": f"{start:%Y-%m-%dT%H:%M:%SZ}", "end": f"{end:%Y-%m-%dT%H:%M:%SZ}"}
    return {"marker": f"{load}-{number:07d}", "number": str(number), **times}


def marker_in(body: bytes, field: str) -> str | None:
    """Find the marker in a webhook's body, in that field; None when there is none."""
    try:
        found: Any = json.loads(body)
        for name in field.split("."):
            found = found[int(name)] if isinstance(found, list) else found[name]
    except (ValueError, LookupError, TypeError):
        return None
    match = MARKER.search(found) if isinstance(found, str) else None
    return match[0] if match else None
