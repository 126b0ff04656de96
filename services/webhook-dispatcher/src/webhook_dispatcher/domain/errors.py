"""What the rules refuse with.

Invariants: every refusal carries a stable `code` (api.md section 1), and the HTTP status of a code is the API's
business; a caller is told of everything that is wrong with the fields at once.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import ClassVar


class WebhookError(Exception):
    """A refusal of a request; nothing has changed."""

    code: ClassVar[str]

    def __init__(self, message: str, *, param: str | None = None, details: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.details = None if details is None else dict(details)


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


class ValidationFailedError(WebhookError):
    """Fields break rules. The message is the first one's; the details read like those of a malformed body."""

    code = "validation_failed"

    def __init__(self, first: Flaw, *others: Flaw) -> None:
        self.flaws = (first, *others)
        super().__init__(
            f"{first.param}: {first.message}",
            param=first.param,
            details={"errors": [asdict(flaw) for flaw in self.flaws]},
        )


@contextmanager
def about(param: str) -> Iterator[None]:
    """Run a check in the block that is made for another field too; what it refuses is told of this one."""
    try:
        yield
    except ValidationFailedError as error:
        raise ValidationFailedError(*(replace(flaw, param=param) for flaw in error.flaws)) from None


class Flaws:
    """Gathers what several checks refuse."""

    def __init__(self) -> None:
        self._found: list[Flaw] = []

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


class NotFoundError(WebhookError):
    """There is no such object for this caller."""

    code = "not_found"


class TooManySubscriptionsError(WebhookError):
    """The organization has as many subscriptions as it may have."""

    code = "too_many_subscriptions"


class InvalidCursorError(WebhookError):
    """A cursor that names nothing in the list."""

    code = "invalid_cursor"


class SubscriptionDisabledError(WebhookError):
    """A subscription that is disabled is sent nothing, until it is enabled."""

    code = "subscription_disabled"


class StillDiscardingError(WebhookError):
    """What was pending when a subscription was disabled is not all discarded yet, so it cannot be enabled."""

    code = "still_discarding"


class SubscriptionDeletedError(WebhookError):
    """A subscription that is deleted is sent nothing any more."""

    code = "subscription_deleted"


class EventGoneError(WebhookError):
    """The event of a delivery is not kept any more."""

    code = "event_gone"


class ReplayRunningError(WebhookError):
    """A job of this kind runs for the subscription already."""

    code = "replay_running"
