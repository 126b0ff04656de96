"""What clients ask for: which table it is about, which thing, and what is to come to be.

Invariant: the same wish is the same however often and in whatever words it is asked for.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from chaos.checks.reading import Happening, told_data
from chaos.evidence import Answer

TABLES: Sequence[tuple[str, str]] = (
    (r"/api/v1/bookings(/[^/]+)?", "booking.bookings"),
    (r"/v2/event_instances/[^/]+/registrations", "booking.bookings"),
    (r"/v2/event_instances(/[^/]+(/cancel)?)?", "booking.event_instances"),
    (r"/v2/settings/services", "booking.services"),
    (r"/api/v1/locations(/[^/]+)?", "booking.locations"),
    (r"/api/v1/tables(/[^/]+)?", "booking.tables"),
    (r"/api/v1/sections(/[^/]+)?", "booking.sections"),
    (r"/api/v1/schedules(/[^/]+)?", "booking.schedules"),
    (r"/api/v1/event-types(/[^/]+)?", "booking.event_types"),
    (r"/api/v1/clients(/[^/]+)?", "booking.clients"),
    (r"/api/v1/waitlist(/[^/]+(/(convert|notify|decline))?)?", "waitlist.entries"),
    (r"/platform/v1/scheduling/waitlist(/cancel)?", "waitlist.entries"),
    (r"/api/bookings/sync-calcom", "calcom_sync.runs"),
    (r"/api/v1/webhooks/subscriptions(/[^/]+(/(enable|disable|rotate-secret))?)?", "webhook_dispatcher.subscriptions"),
)
"""Where what a path makes or changes is kept."""

Wish = tuple[str, str, Any, str | None]
"""For which organization something is to come to be, of which table, where, and for whom."""


def table_of(answer: Answer) -> str | None:
    """Tell where what an answer is about is kept; None for what is about no one thing."""
    path = answer.path.partition("?")[0]
    return next((table for pattern, table in TABLES if re.fullmatch(pattern, path)), None)


def thing_of(answer: Answer) -> tuple[str | None, Mapping[str, Any]]:
    """Tell what an answer is about: its id, and what was told of it."""
    data = told_data(answer)
    data = data.get("waitlist", data)
    one = data.get("id", data.get("uid"))
    return (one, data) if one is not None or not isinstance(answer.told, Mapping) else (answer.told.get("run_id"), data)


def asked_of(answer: Answer) -> Mapping[str, Any]:
    """Tell the plain fields that a request names, which its answer is to have too."""
    body = answer.body if isinstance(answer.body, Mapping) else {}
    return {name: value for name, value in body.items() if isinstance(value, str | int | float | bool)}


def asked_for(answer: Answer, emails: Mapping[str, str]) -> Wish | None:
    """Tell what a request asks to make: for which organization, what, where, and for whom."""
    body = answer.body if isinstance(answer.body, Mapping) else {}
    table = table_of(answer)
    if answer.method != "POST" or body.get("waitlist_entry_id") is not None:
        return None
    if table == "booking.bookings":
        email = (body.get("attendee") or {}).get("email")
        return answer.org_id, table, None, email or emails.get(body.get("client_id", ""))
    if table == "waitlist.entries":
        place = body.get("eventInstanceId") or (body.get("locationId"), body.get("requestedDate"))
        return answer.org_id, table, place, body.get("userId") or (body.get("contact") or {}).get("email")
    return None


def came_to_be(event: Happening) -> Wish | None:
    """Tell what an event says came to be because a client asked for it, in the words of `asked_for`."""
    one = event.resource
    if event.type == "reservation.created" and one["source"] != "waitlist" and event.event.get("actor") != "calcom":
        return event.org_id, "booking.bookings", None, one["attendee_email"]
    if event.type == "waitlist_entry.joined" and event.event.get("actor") != "system":
        place = one["eventInstanceId"] or (one["locationId"], one["requestedDate"])
        return event.org_id, "waitlist.entries", place, one["userId"] or (one["contact"] or {}).get("email")
    return None
