"""What Cal.com says about where people meet, and in which time zone, in our words.

Invariant: a zone that is told exists.
"""

import re
from functools import cache
from zoneinfo import available_timezones

from slotwire_contracts import LocationType

_PHONE = re.compile(r"\+?[\d\s().-]{5,}$")
_LINK = re.compile(r"(https?://|integrations:|conferencing)")


def location_type_of(location: str | None) -> LocationType | None:
    """Tell how the two sides meet; what is neither a link nor a number to call is taken for an address.

    Args:
        location: an address, a number, a link, or one of Cal.com's words for a kind of place.
    """
    if not location:
        return None
    if _LINK.match(location):
        return LocationType.VIDEO
    if location in {"phone", "userPhone"} or _PHONE.match(location):
        return LocationType.PHONE
    return LocationType.CUSTOM if location == "somewhereElse" else LocationType.IN_PERSON


def zone_of(name: str | None) -> str | None:
    """Tell a time zone's name, if there is such a zone."""
    return name if name in _zones() else None


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
