"""How the guest's page looks: its templates, its words for times, and the headers that keep it to itself.

Invariant: everything that somebody wrote is escaped, and the page loads, runs and frames nothing.
"""

import base64
import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from importlib import resources
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from waitlist.domain.entry import Entry
from waitlist.service.guests import Seen

_TEMPLATES = "api/templates"
_STYLE = resources.files("waitlist").joinpath(_TEMPLATES, "guest.css").read_text()
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

_UNITS = (("days", 24 * 60), ("hours", 60), ("minutes", 1))

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}
"""The link is a secret: it is kept nowhere, told to nobody and found by no search."""


def render_entry(seen: Seen, outcome: str | None) -> str:
    """Write the page of an entry.

    Args:
        seen: all that it tells.
        outcome: why what the guest asked for was not done.
    """
    entry, position = seen.placed.entry, seen.placed.position
    zone = _zone(seen)
    return _ENVIRONMENT.get_template("entry.html").render(
        entry=entry,
        name=None if entry.contact is None else entry.contact.name,
        # What staff noted is theirs.
        notes=entry.notes if entry.notes_by == "client" else None,
        location=seen.location,
        instance=seen.instance,
        wait=None if seen.placed.wait_minutes is None else _about(seen.placed.wait_minutes),
        ahead=None if position is None else position - 1,
        offer=seen.offer,
        booking=seen.booking,
        outcome=outcome,
        wanted=_wanted(entry, zone),
        at=lambda instant: _at(instant, zone),
        span=lambda start, end: _span(start, end, zone),
        zone=zone.key,
    )


def render_message(text: str) -> str:
    """Write a page that says one thing, and nothing of any entry."""
    return _ENVIRONMENT.get_template("message.html").render(text=text)


def _zone(seen: Seen) -> ZoneInfo:
    place = seen.location or seen.instance
    return ZoneInfo("UTC" if place is None else place.timezone)


def _about(minutes: int) -> str:
    """Tell a time in the largest unit of which it has two, rounded up."""
    unit, length = next(((unit, length) for unit, length in _UNITS if minutes > length), _UNITS[-1])
    return f"{-(-minutes // length)} {unit}" if minutes > 1 else "a minute"


def _wanted(entry: Entry, zone: ZoneInfo) -> str | None:
    """Tell between which times an entry waits for a table."""
    start, end = (None if one is None else _clock(one, zone) for one in (entry.window_start, entry.window_end))
    if start is not None and end is not None:
        return f"between {start} and {end}"
    if start is not None:
        return f"from {start}"
    return None if end is None else f"until {end}"


def _span(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    same_day = start.astimezone(zone).date() == end.astimezone(zone).date()
    return f"{_at(start, zone)} to {_clock(end, zone) if same_day else _at(end, zone)}"


def _at(instant: datetime, zone: ZoneInfo) -> str:
    return f"{_day(instant.astimezone(zone))}, {_clock(instant, zone)}"


def _clock(instant: datetime, zone: ZoneInfo) -> str:
    return f"{instant.astimezone(zone):%H:%M}"


def _day(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B %Y}"


def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("waitlist", _TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["style"] = _STYLE
    made.filters["day"] = _day
    return made


_ENVIRONMENT = _environment()
