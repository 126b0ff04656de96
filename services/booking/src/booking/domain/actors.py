"""Who acts, as far as the rules care.

Invariant: every actor belongs to one organization, and only a client's key is bound to a client.
"""

from dataclasses import dataclass
from typing import Literal

from booking.domain.errors import ForbiddenError

ActorName = Literal["staff", "client", "system", "calcom"]


@dataclass(frozen=True)
class Actor:
    """The holder of a key: one organization, and for a client key the one client it is bound to.

    Attributes:
        is_internal: whether it is another service of ours, and not merely a program of the organization's own.
    """

    org_id: str
    name: ActorName
    client_id: str | None = None
    is_internal: bool = False

    @property
    def is_client(self) -> bool:
        """Tell whether only the client's own bookings are in reach."""
        return self.name == "client"

    def must_be_internal(self, deed: str, *, param: str) -> None:
        """Refuse a key from outside that asks, with `param`, for a deed of our other services.

        Raises:
            ForbiddenError: the actor has a key of the organization's own, of whichever kind.
        """
        if not self.is_internal:
            raise ForbiddenError(f"only our own services may {deed}", param=param)

    def must_be_staff(self, deed: str, *, param: str) -> None:
        """Refuse a client key that asks, with `param`, for a deed that is the staff's (api.md section 1).

        Raises:
            ForbiddenError: the actor is a client.
        """
        if self.is_client:
            raise ForbiddenError(f"a client key may not {deed}", param=param)
