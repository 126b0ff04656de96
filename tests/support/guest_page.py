"""The guest's page as its reader sees it, and as a form is sent from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlsplit

import aiohttp

from slotwire_contracts import WaitlistEntryNotified
from support.waitlist_service import WaitlistService

VOID = frozenset({"meta", "input"})


@dataclass
class Shown(HTMLParser):
    """A page, read: all its text, the text of what has an id, and the hidden fields of each form.

    Attributes:
        forms: by what their button does.
        tags: every element that it has.
    """

    text: str = ""
    parts: dict[str, str] = field(default_factory=dict)
    forms: dict[str, dict[str, str]] = field(default_factory=dict)
    tags: set[str] = field(default_factory=set)
    _open: list[str | None] = field(default_factory=list)
    _fields: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Go into an element."""
        told = dict(attrs)
        self.tags.add(tag)
        if tag == "form":
            assert told == {"method": "post"}
            self._fields = {}
        if tag == "input":
            self._fields[str(told["name"])] = str(told["value"])
        if tag not in VOID:
            self._open.append(told.get("id"))

    def handle_endtag(self, tag: str) -> None:
        """Come out of it."""
        self._open.pop()
        if tag == "form":
            self.forms[self._fields["deed"]] = self._fields

    def handle_data(self, data: str) -> None:
        """Read what it says."""
        if self.lasttag == "style":
            return
        told = " ".join(data.split())
        self.text = f"{self.text} {told}".strip()
        for part in filter(None, self._open):
            self.parts[part] = f"{self.parts.get(part, '')} {told}".strip()


@dataclass(frozen=True)
class Got:
    """What was answered."""

    status: int
    html: str
    headers: Mapping[str, str]

    @property
    def shown(self) -> Shown:
        """The page, read."""
        shown = Shown()
        shown.feed(self.html)
        return shown


@dataclass(frozen=True)
class Link:
    """A guest's link, opened at the service of a test whatever its host."""

    service: WaitlistService
    token: str

    @property
    def url(self) -> str:
        """Where it leads."""
        return f"{self.service.base}/w/{self.token}"

    async def get(self, query: str = "") -> Got:
        """Open it."""
        return await self.send("GET", query)

    async def press(self, deed: str) -> Got:
        """Open it and press a button; answers the page that it leads to."""
        return await self.submit((await self.get()).shown, deed)

    async def submit(self, shown: Shown, deed: str) -> Got:
        """Press a button of a page that was opened before; answers the page that it leads to."""
        return await self.post(**shown.forms[deed])

    async def post(self, **fields: str) -> Got:
        """Send a form; answers the page that it leads to."""
        answer = await self.send("POST", data=fields)
        assert (answer.status, answer.html) == (303, ""), answer.html
        location = answer.headers["Location"]
        assert location.startswith(f"/w/{self.token}")
        return await self.get(location.removeprefix(f"/w/{self.token}"))

    async def send(self, method: str, query: str = "", **more: object) -> Got:
        """Send a request, and follow nothing."""
        return await send(self.service.http, method, self.url + query, **more)


async def send(http: aiohttp.ClientSession, method: str, url: str, **more: object) -> Got:
    """Send a request, and follow nothing."""
    async with http.request(method, url, allow_redirects=False, **more) as response:  # type: ignore[arg-type]  # kinds of bodies
        return Got(response.status, await response.text(), response.headers)


async def link_of(service: WaitlistService, entry_id: str) -> Link:
    """Read an entry's link from the last event that told of one."""
    told = [event for event in await service.told(entry_id) if isinstance(event, WaitlistEntryNotified)]
    return Link(service, urlsplit(told[-1].data.change.claim_url).path.removeprefix("/w/"))
