"""Errors as callers see them: one shape, one status for each code.

Invariant: every answer that is not a success has the shape of `ErrorAnswer`, and a 500 tells nothing of our insides.
"""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel, ValidationError

STATUSES: Mapping[str, int] = {
    "invalid_json": 400,
    "invalid_cursor": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "idempotency_in_progress": 409,
    "body_too_large": 413,
    "unsupported_media_type": 415,
    "validation_failed": 422,
    "idempotency_key_reused": 422,
    "rate_limited": 429,
    "internal_error": 500,
    "unavailable": 503,
}
"""The codes that every service may answer; a service adds its own."""


@runtime_checkable
class CodedError(Protocol):
    """What a service's domain errors look like, without importing this package.

    A `retry_after` among the details, in seconds, is told as the header of that name too.
    """

    code: str
    message: str
    param: str | None
    details: Mapping[str, Any] | None


class ErrorBody(BaseModel):
    """What went wrong."""

    code: str
    message: str
    param: str | None = None
    details: dict[str, Any] | None = None
    request_id: str


class ErrorAnswer(BaseModel):
    """The shape of every error."""

    error: ErrorBody


class ApiError(Exception):
    """An error with its status, as the web layer answers it."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        param: str | None = None,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param
        self.details = details
        self.headers = dict(headers or {})


def api_error(
    code: str, message: str, *, param: str | None = None, headers: Mapping[str, str] | None = None
) -> ApiError:
    """Make an error of a code that every service may answer."""
    return ApiError(STATUSES[code], code, message, param=param, headers=headers)


def from_validation(error: ValidationError) -> ApiError:
    """Turn what pydantic found into a 400 where the text is no JSON, else a 422 with every bad field and its rule."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    if found[0]["type"] == "json_invalid":
        return api_error("invalid_json", f"the body is not valid JSON: {found[0]['msg']}")
    errors = [
        {
            "param": ".".join(str(part) for part in one["loc"]),
            "message": one["msg"].removeprefix("Value error, "),  # pydantic's words before a validator's own
            "rule": one["type"],
        }
        for one in found
    ]
    param = errors[0]["param"] or None
    message = f"{param}: {errors[0]['message']}" if param else errors[0]["message"]
    return ApiError(
        STATUSES["validation_failed"], "validation_failed", message, param=param, details={"errors": errors}
    )


def render(error: ApiError, request_id: str) -> bytes:
    """Write an error as the JSON of `ErrorAnswer`."""
    body = ErrorBody(
        code=error.code,
        message=error.message,
        param=error.param,
        details=None if error.details is None else dict(error.details),
        request_id=request_id,
    )
    return ErrorAnswer(error=body).model_dump_json(exclude_none=True).encode()
