"""What the rules refuse with.

Invariant: every refusal carries a stable `code` (api.md section 1); the HTTP status of a code is the API's business.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class BookingError(Exception):
    """A refusal of a request; nothing has changed."""

    code: ClassVar[str]

    def __init__(self, message: str, *, param: str | None = None, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.details: dict[str, Any] | None = None if details is None else dict(details)


class ValidationFailedError(BookingError):
    """A value that is well-formed but breaks a rule. Its details read like those of a malformed body."""

    code = "validation_failed"

    def __init__(self, message: str, *, param: str, rule: str) -> None:
        super().__init__(message, param=param, details={"errors": [{"param": param, "message": message, "rule": rule}]})


class OutsideAvailabilityError(BookingError):
    """The time lies outside the schedule's weekly hours."""

    code = "outside_availability"


class SlotUnavailableError(BookingError):
    """What the booking needs is taken at that time."""

    code = "slot_unavailable"


class InvalidTransitionError(BookingError):
    """The booking's status does not allow the change."""

    code = "invalid_status_transition"


class VersionConflictError(BookingError):
    """The booking is not at the version the caller has seen."""

    code = "version_conflict"


class NotFoundError(BookingError):
    """There is no such object for this caller."""

    code = "not_found"


class ForbiddenError(BookingError):
    """The caller's key may not do this."""

    code = "forbidden"


class InvalidCursorError(BookingError):
    """A cursor that names nothing in the list."""

    code = "invalid_cursor"
