"""Routes of waitlist entries (seed 000).

Invariant: every answer that shows an entry shows it whole, in the one representation.
"""

from dataclasses import dataclass
from typing import Any

from chassis.web import Call, Route
from waitlist.api.entry_models import ChangedEntry, EntryBody, EntryList, EntryQuery, ShownEntry
from waitlist.api.fields import IF_MATCH, MANAGE, READ, Success, actor_of, origin_of, version_of
from waitlist.domain.entry import Placed
from waitlist.domain.listing import Found
from waitlist.service.entries import Entries, Waiting

PATH = "/api/v1/waitlist"
_ONE = f"{PATH}/{{id}}"


@dataclass(frozen=True)
class Handlers:
    """The operations on entries."""

    entries: Entries

    async def page(self, call: Call) -> Found:
        """Answer a page of entries."""
        query: EntryQuery = call.query
        return await self.entries.page(actor_of(call.caller), query.filter, query.part)

    async def get(self, call: Call) -> Placed:
        """Answer one entry."""
        return await self.entries.get(actor_of(call.caller), call.path["id"])

    async def join(self, call: Call) -> Waiting:
        """Put a guest on the waitlist."""
        body: EntryBody = call.body
        return await self.entries.join(actor_of(call.caller), body.new_entry(), origin_of(call), call.once)

    async def change(self, call: Call) -> Placed:
        """Change an entry."""
        body: ChangedEntry = call.body
        change = body.change(version_of(call))
        return await self.entries.change(actor_of(call.caller), call.path["id"], change, origin_of(call))

    async def remove(self, call: Call) -> Placed:
        """Take an entry off the waitlist."""
        return await self.entries.remove(actor_of(call.caller), call.path["id"], version_of(call), origin_of(call))


def routes(entries: Entries) -> list[Route]:
    """List the operations."""
    handlers = Handlers(entries)
    shown: dict[str, Any] = {"answer": Success[ShownEntry], "render": show}
    return [
        Route(
            "GET",
            PATH,
            handlers.page,
            scope=READ,
            summary="List waitlist entries",
            answer=EntryList,
            render=EntryList.of,
            query=EntryQuery,
        ),
        Route(
            "POST",
            PATH,
            handlers.join,
            scope=MANAGE,
            summary="Put a guest on the waitlist",
            answer=Success[ShownEntry],
            render=_show_waiting,
            body=EntryBody,
            status=201,
            errors=("already_waiting", "waitlist_full"),
        ),
        Route("GET", _ONE, handlers.get, scope=READ, summary="Read a waitlist entry", **shown),
        Route(
            "PATCH",
            _ONE,
            handlers.change,
            scope=MANAGE,
            summary="Change a waitlist entry; it keeps its place",
            body=ChangedEntry,
            headers=IF_MATCH,
            errors=("already_waiting", "invalid_status_transition", "version_conflict"),
            **shown,
        ),
        Route(
            "DELETE",
            _ONE,
            handlers.remove,
            scope=MANAGE,
            summary="Take an entry off the waitlist; it stays readable",
            headers=IF_MATCH,
            errors=("invalid_status_transition", "version_conflict"),
            **shown,
        ),
    ]


def show(placed: Placed) -> Success[ShownEntry]:
    """Show an entry, as every answer does."""
    return Success(data=ShownEntry.of(placed))


def _show_waiting(waiting: Waiting) -> Success[ShownEntry]:
    return show(waiting.placed)
