"""The guest's own page: a form that works on a phone and without scripts.

Invariant: GET and HEAD change nothing, as scanners of mail follow links; POST acts, and leads back to GET whatever came
of it. A link that is none is answered like every other such link.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qsl

from aiohttp import web

from chassis.origin import Origin
from chassis.web import ApiError, RateLimits
from chassis.web.endpoint import ERROR_PAGE, REQUEST_ID, TRACEPARENT, ErrorPage, count
from waitlist.api.guest_view import HEADERS, render_entry, render_message
from waitlist.domain.errors import NotFoundError, WaitlistError
from waitlist.service.guests import Deed, Guests, LinkOverError

_PATH = "/w/{token}"
_FIELDS = 8
_OUTCOMES: Mapping[str, str] = {
    "already_booked": "You have a booking at that time already.",
    "invalid_status_transition": "That was not possible, as things have changed meanwhile. This is how they stand now.",
    "offer_gone": "That offer is over: its time ran out, or it was answered already.",
    "outside_availability": "We are closed at that time, so it could not be booked.",
    "slot_unavailable": "Sorry, somebody else was quicker: that place is taken.",
    "unavailable": "We could not finish that just now. Please try again in a minute.",
}
_LATER = "Please try again in a minute."
_ERRORS: Mapping[str, str] = {
    "body_too_large": "We did not understand that.",
    "rate_limited": f"That was a bit often. {_LATER}",
    "unavailable": _LATER,
}
_OTHERWISE = "That could not be booked online. Please get in touch with us."
_REFUSED = "refused"


@dataclass(frozen=True)
class Page:
    """The handlers of the page."""

    guests: Guests
    rate_limits: RateLimits | None

    async def show(self, request: web.Request) -> web.Response:
        """Show how things stand."""
        await self._begin(request)
        try:
            seen = await self.guests.look(request.match_info["token"])
        except NotFoundError:
            seen = None
        except LinkOverError:
            return _over()
        if seen is None:
            return _nothing()
        outcome = request.query.get(_REFUSED)
        told = None if outcome is None else _OUTCOMES.get(outcome, _OTHERWISE)
        return _html(HTTPStatus.OK, render_entry(seen, told))

    async def act(self, request: web.Request) -> web.Response:
        """Do what the guest pressed, and lead back to the page."""
        await self._begin(request)
        token = request.match_info["token"]
        fields = _fields(await request.read())
        try:
            deed = Deed(fields.get("deed", ""))
        except ValueError:
            return _message(HTTPStatus.BAD_REQUEST, "We did not understand that.")
        origin = Origin(request[REQUEST_ID], request.get(TRACEPARENT))
        try:
            known = await self.guests.act(token, deed, fields.get("offer"), origin)
        except NotFoundError:
            known = False
        except LinkOverError:
            return _over()
        except WaitlistError as error:
            return _back(token, f"?{_REFUSED}={error.code}")
        return _back(token) if known else _nothing()

    async def _begin(self, request: web.Request) -> None:
        """Have whatever goes wrong answered by a page, and count the request: for its entry, or else its sender.

        Raises:
            ApiError: it is one too many.
        """
        request[ERROR_PAGE] = ErrorPage(_error)
        if self.rate_limits is not None:
            entry_id = self.guests.entry_of(request.match_info["token"])
            await count(request, self.rate_limits, entry_id or f"address {request.remote}", "the guest")


def add_guest_page(app: web.Application, guests: Guests, rate_limits: RateLimits | None) -> None:
    """Add the page to the application; it is for people, and so no operation of the API.

    Args:
        app: the application.
        guests: what it shows and does.
        rate_limits: what counts the requests of each link, and those with none of ours; None for no limit.
    """
    page = Page(guests, rate_limits)
    app.router.add_get(_PATH, page.show)
    app.router.add_post(_PATH, page.act)


def _fields(raw: bytes) -> dict[str, str]:
    """Read a form; what is none has no fields."""
    try:
        return dict(parse_qsl(raw.decode("ascii"), max_num_fields=_FIELDS))
    except ValueError:
        return {}


def _back(token: str, query: str = "") -> web.Response:
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={**HEADERS, "Location": f"/w/{token}{query}"})


def _nothing() -> web.Response:
    return _message(HTTPStatus.NOT_FOUND, "There is nothing at this address.")


def _over() -> web.Response:
    return _message(HTTPStatus.GONE, "This link has expired.")


def _error(error: ApiError) -> web.Response:
    words = _ERRORS.get(error.code, f"Something went wrong on our side. {_LATER}")
    return _message(HTTPStatus(error.status), words, error.headers)


def _message(status: HTTPStatus, text: str, headers: Mapping[str, str] | None = None) -> web.Response:
    return _html(status, render_message(text), headers)


def _html(status: HTTPStatus, page: str, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status, text=page, content_type="text/html", charset="utf-8", headers={**HEADERS, **(headers or {})}
    )
