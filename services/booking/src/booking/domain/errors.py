"""What the rules refuse with.

Invariants: every refusal carries a stable `code` (api.md section 1), and the HTTP status of a code is the API's
business; a field's flaw reads `must …`, any other message begins in lower case, and none ends in a full stop.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, ClassVar


class BookingError(Exception):
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


def unknown(param: str, noun: str) -> Flaw:
    """Tell that a field names by its id what the organization does not have."""
    article = "an" if noun[0] in "aeiou" else "a"
    return Flaw(param, f"must be the id of {article} {noun}; there is none with this id", "unknown")


class ValidationFailedError(BookingError):
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
        self._found.append(unknown(param, noun))

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Run a check in the block; what it refuses is kept for `tell`."""
        try:
            yield
        except ValidationFailedError as error:
            self._found += error.flaws

    def tell(self) -> None:
        """End the checks.

        Raises:
            ValidationFailedError: with all that was refused.
        """
        if self._found:
            raise ValidationFailedError(*self._found)


class OutsideAvailabilityError(BookingError):
    """The schedule or the location is closed at that time, or the event type does not offer it."""

    code = "outside_availability"


class SlotUnavailableError(BookingError):
    """What the booking needs is taken at that time."""

    code = "slot_unavailable"


class AlreadyBookedError(BookingError):
    """The attendee has an active booking of that slot already."""

    code = "already_booked"


class HoldExpiredError(BookingError):
    """The hold that a booking is to be made of holds nothing any more."""

    code = "hold_expired"


class TooManyBookingsError(BookingError):
    """More bookings were made within a minute than the schedule takes; `details` tells when to come again."""

    code = "rate_limited"


class InvalidTransitionError(BookingError):
    """The booking's status does not allow the change."""

    code = "invalid_status_transition"


class ExternalReadOnlyError(BookingError):
    """What is to change of the booking is changed where it was made."""

    code = "external_read_only"


class VersionConflictError(BookingError):
    """The booking is not at the version the caller has seen."""

    code = "version_conflict"


class InUseError(BookingError):
    """What others still need cannot be deleted."""

    code = "in_use"


class NotFoundError(BookingError):
    """There is no such object for this caller."""

    code = "not_found"


class ForbiddenError(BookingError):
    """The caller's key may not do this."""

    code = "forbidden"


class InvalidCursorError(BookingError):
    """A cursor that names nothing in the list."""

    code = "invalid_cursor"
