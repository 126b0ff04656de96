"""The caller of a request, and what its key allows. Pure."""

from dataclasses import dataclass
from enum import StrEnum

SCOPES = frozenset(
    {
        "bookings.read",
        "bookings.manage",
        "booking_waitlist.read",
        "booking_waitlist.manage",
        "schedules.read",
        "schedules.manage",
        "webhooks.read",
        "webhooks.manage",
        "calcom.sync",
        "*",
    }
)
CLIENT_SCOPES = frozenset(
    {"bookings.read", "bookings.manage", "booking_waitlist.read", "booking_waitlist.manage", "schedules.read"}
)
"""What a client key may hold: it reaches its own client's bookings and entries only, and sees what can be booked."""


SERVICE_KEY_ID = "service"
"""The id of the key that the services call each other with; those of organizations' own keys begin with `key_`."""

ORGANIZATION_HEADER = "Slotwire-Organization"
"""The header that names the organization for which a service calls another; no gateway lets it in from outside."""


class KeyKind(StrEnum):
    """Who stands behind a key."""

    STAFF = "staff"
    CLIENT = "client"
    ADMIN = "admin"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Caller:
    """The key of a request: its organization, kind and scopes; a client key names its client."""

    key_id: str
    org_id: str
    kind: KeyKind
    scopes: frozenset[str]
    client_id: str | None = None

    @property
    def is_staff(self) -> bool:
        """Tell whether the key acts for the business and not for one of its clients."""
        return self.kind is not KeyKind.CLIENT

    @property
    def is_internal(self) -> bool:
        """Tell whether another service of ours calls, rather than somebody with a key of the organization's own."""
        return self.key_id == SERVICE_KEY_ID

    def may(self, scope: str) -> bool:
        """Tell whether the key holds a scope; `x.manage` includes `x.read`."""
        return bool(self.scopes & {scope, "*", scope.removesuffix(".read") + ".manage"})
