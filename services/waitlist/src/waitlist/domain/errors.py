"""What the rules refuse with.

Invariants: every refusal carries a stable `code` (api.md section 1), and the HTTP status of a code is the API's
business; a field's flaw reads `must …`, any other message begins in lower case, and none ends in a full stop.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar


class WaitlistError(Exception):
    """A refusal of a request; nothing has changed."""

    code: ClassVar[str]

    def __init__(self, message: str, *, param: str | None = None, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.details: dict[str, Any] | None = None if details is None else dict(details)


@dataclass(frozen=True, slots=True)
class Flaw:
    """A field that is well-formed but breaks a rule.

    Attributes:
        param: the field.
        message: what it must be.
        rule: the rule's name.
    """

    param: str
    message: str
    rule: str


class ValidationFailedError(WaitlistError):
    """Fields break rules. The message is the first one's; the details read like those of a malformed body."""

    code = "validation_failed"

    def __init__(self, first: Flaw, *others: Flaw) -> None:
        self.flaws = (first, *others)
        super().__init__(
            f"{first.param}: {first.message}",
            param=first.param,
            details={"errors": [asdict(flaw) for flaw in self.flaws]},
        )


class Flaws:
    """Gathers what several checks refuse."""

    def __init__(self) -> None:
        self._found: list[Flaw] = []

    def add(self, param: str, message: str, rule: str) -> None:
        """Keep a flaw for `tell`."""
        self._found.append(Flaw(param, message, rule))

    def add_unknown(self, param: str, noun: str) -> None:
        """Keep, for `tell`, that a field names by its id what the organization does not have."""
        article = "an" if noun[0] in "aeiou" else "a"
        self.add(param, f"must be the id of {article} {noun}; there is none with this id", "unknown")

    def tell(self) -> None:
        """End the checks.

        Raises:
            ValidationFailedError: with all that was refused.
        """
        if self._found:
            raise ValidationFailedError(*self._found)


class NotFoundError(WaitlistError):
    """There is no such object for this caller."""

    code = "not_found"


class ForbiddenError(WaitlistError):
    """The caller's key may not do this."""

    code = "forbidden"


class AlreadyWaitingError(WaitlistError):
    """The guest has a live entry in that queue already."""

    code = "already_waiting"


class WaitlistFullError(WaitlistError):
    """The queue has as many entries as its policy lets in."""

    code = "waitlist_full"


class InvalidTransitionError(WaitlistError):
    """The entry's status does not allow the change."""

    code = "invalid_status_transition"


class OfferGoneError(WaitlistError):
    """The entry has no live offer (any more)."""

    code = "offer_gone"


class PlaceTakenError(WaitlistError):
    """What is asked for is not free (any more); the entry keeps its place in the queue."""

    code = "slot_unavailable"


class OutsideAvailabilityError(WaitlistError):
    """The location is closed at that time."""

    code = "outside_availability"


class AlreadyBookedError(WaitlistError):
    """The guest has an active booking of that slot already."""

    code = "already_booked"


class VersionConflictError(WaitlistError):
    """The entry is not at the version that the caller has seen."""

    code = "version_conflict"


class UnavailableError(WaitlistError):
    """What has to be asked does not answer; `details` tells when to come again."""

    code = "unavailable"
