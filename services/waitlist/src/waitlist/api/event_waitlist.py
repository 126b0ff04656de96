"""Routes of the waitlists of events (seed 002 and its family).

Invariant: whatever is refused is answered as the seed shows it, in a sentence of its own under `error`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chassis.web import ApiError, Call, Refusals, Route
from waitlist.api.event_waitlist_models import CancelBody, Done, JoinBody, Refused
from waitlist.api.fields import MANAGE, actor_of, origin_of
from waitlist.domain.errors import Flaws
from waitlist.domain.joining import NOT_FULL
from waitlist.service.entries import Entries, Waiting

PATH = "/platform/v1/scheduling/waitlist"

# In the order in which they are told.
_BY_PARAM: Mapping[str, str] = {
    "business_id": "Invalid business",
    "business_uid": "Invalid business",
    "event_instance_id": "Invalid event instance",
    "event_instance_uid": "Invalid event instance",
    "eventInstanceId": "Invalid event instance",
    "client_id": "Invalid client",
    "client_uid": "Invalid client",
    "userId": "Invalid client",
}
_BY_CODE: Mapping[str, str] = {
    "already_waiting": "Already on the waitlist",
    "waitlist_full": "Waitlist is full",
    "not_found": "Not on the waitlist",
}
_NOT_FULL = "Event is not full"


def _refuse(error: ApiError) -> Refused:
    if error.code in _BY_CODE:
        return Refused(error=_BY_CODE[error.code])
    flaws: list[Mapping[str, Any]] = list((error.details or {}).get("errors", ()))
    if any(flaw["rule"] == NOT_FULL for flaw in flaws):
        return Refused(error=_NOT_FULL)
    params = {flaw["param"] for flaw in flaws}
    return Refused(error=next((told for param, told in _BY_PARAM.items() if param in params), error.message))


REFUSALS = Refusals(Refused, _refuse, dict.fromkeys((*_BY_CODE, "invalid_status_transition"), 422))


@dataclass(frozen=True)
class Handlers:
    """The operations on the waitlists of events."""

    entries: Entries

    async def join(self, call: Call) -> Waiting:
        """Put a client on the waitlist."""
        body: JoinBody = call.body
        _check(call, business=("business_id", body.business_id), client=("client_id", body.client_id))
        return await self.entries.join(actor_of(call.caller), body.new_entry(), origin_of(call), call.once)

    async def cancel(self, call: Call) -> Waiting:
        """Take a client off the waitlist."""
        body: CancelBody = call.body
        _check(call, business=("business_uid", body.business_uid), client=("client_uid", body.client_uid))
        return await self.entries.leave(actor_of(call.caller), body.entry(), origin_of(call))


def routes(entries: Entries) -> list[Route]:
    """List the operations."""
    handlers = Handlers(entries)
    return [
        Route(
            "POST",
            PATH,
            handlers.join,
            scope=MANAGE,
            summary="Put a client on the waitlist of an event that is full",
            answer=Done,
            render=Done.of,
            body=JoinBody,
            status=201,
            errors=("already_waiting", "waitlist_full"),
            refusals=REFUSALS,
        ),
        Route(
            "PUT",
            f"{PATH}/cancel",
            handlers.cancel,
            scope=MANAGE,
            summary="Take a client off the waitlist of an event",
            answer=Done,
            render=Done.of,
            body=CancelBody,
            errors=("not_found", "invalid_status_transition"),
            refusals=REFUSALS,
        ),
    ]


def _check(call: Call, *, business: tuple[str, str], client: tuple[str, str | None]) -> None:
    """Refuse another business, and a client that the key contradicts or does not name either.

    Raises:
        ValidationFailedError: which of them.
    """
    flaws, actor = Flaws(), actor_of(call.caller)
    if business[1] != actor.org_id:
        flaws.add(business[0], "must be the id of the key's organization", "unknown")
    if actor.is_client and client[1] not in {None, actor.client_id}:
        flaws.add(client[0], "must be left out, or be the client of the key", "other_client")
    if not actor.is_client and client[1] is None:
        flaws.add(client[0], "must be given, as the key is no client's", "missing")
    flaws.tell()
