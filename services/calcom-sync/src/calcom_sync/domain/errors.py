"""What the rules refuse with.

Invariants: every refusal carries a stable `code` (api.md section 1), and the HTTP status of a code is the API's
business; a field's flaw reads `must …`, any other message begins in lower case, and none ends in a full stop.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


class CalcomSyncError(Exception):
    """A refusal of a request; nothing has changed."""

    code: str

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


class ValidationFailedError(CalcomSyncError):
    """Fields break rules. The message is the first one's; the details read like those of a malformed body."""

    code = "validation_failed"

    def __init__(self, first: Flaw, *others: Flaw) -> None:
        self.flaws = (first, *others)
        super().__init__(
            f"{first.param}: {first.message}",
            param=first.param,
            details={"errors": [asdict(flaw) for flaw in self.flaws]},
        )


class NotFoundError(CalcomSyncError):
    """There is no such object for this caller."""

    code = "not_found"


class UnauthenticatedError(CalcomSyncError):
    """Nobody knows who sent it."""

    code = "unauthenticated"


class NotConfiguredError(CalcomSyncError):
    """The organization has no integration that could be used."""

    code = "calcom_not_configured"


class CalcomError(CalcomSyncError):
    """Cal.com could not be read; the subclasses tell why."""


class CalcomUnauthorizedError(CalcomError):
    """Cal.com refuses the API key."""

    code = "calcom_unauthorized"


class CalcomForbiddenError(CalcomUnauthorizedError):
    """Cal.com knows the API key, and refuses what is asked for with it."""


class CalcomUnreachableError(CalcomError):
    """There is no Cal.com at the address, or it does not answer."""

    code = "calcom_unreachable"


class CalcomMalformedError(CalcomError):
    """Cal.com answers what cannot be read."""

    code = "calcom_malformed"


class CalcomUnreadableError(CalcomMalformedError):
    """Cal.com does not give out one booking, or not as a booking; others may well be read."""


class CalcomWrongVersionError(CalcomError):
    """Another version of Cal.com's API answers than the one that was asked for."""

    code = "calcom_wrong_version"


class CalcomEndlessError(CalcomError):
    """What Cal.com answers has no end within what one run may ask."""

    code = "calcom_endless"


class CalcomThrottledError(CalcomError):
    """Cal.com has locked the API key out for longer than is waited for."""

    code = "calcom_throttled"


class SyncRunningError(CalcomSyncError):
    """A sync takes longer than is waited for; it goes on."""

    code = "calcom_sync_running"


class SyncFailedError(CalcomSyncError):
    """A sync has failed; the code is that of what failed in it."""

    def __init__(self, code: str, message: str, *, details: Mapping[str, Any]) -> None:
        super().__init__(message, details=details)
        self.code = code
