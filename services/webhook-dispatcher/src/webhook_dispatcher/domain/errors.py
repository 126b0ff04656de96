"""What the rules refuse with.

Invariant: every refusal carries a stable `code` (api.md section 1); the HTTP status of a code is the API's business.
"""

from collections.abc import Mapping
from typing import ClassVar


class WebhookError(Exception):
    """A refusal of a request; nothing has changed."""

    code: ClassVar[str]

    def __init__(self, message: str, *, param: str | None = None, details: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.details = None if details is None else dict(details)


class ValidationFailedError(WebhookError):
    """A value that is well-formed but breaks a rule. Its details read like those of a malformed body."""

    code = "validation_failed"

    def __init__(self, message: str, *, param: str, rule: str) -> None:
        super().__init__(
            f"{param}: {message}",
            param=param,
            details={"errors": [{"param": param, "message": message, "rule": rule}]},
        )


class NotFoundError(WebhookError):
    """There is no such object for this caller."""

    code = "not_found"


class InvalidCursorError(WebhookError):
    """A cursor that names nothing in the list."""

    code = "invalid_cursor"
