"""What an answer of Cal.com's means, and reading its JSON.

Invariant: what is no success is told as one of the domain's errors, and without a word of the answer's own: who set
the address up must not read by it what else answers there.
"""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from calcom_sync.domain.errors import (
    CalcomForbiddenError,
    CalcomMalformedError,
    CalcomUnauthorizedError,
    CalcomUnreachableError,
)

_ODD_TEXT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")  # what can be written in JSON and stored nowhere
_LOCKED_OUT = 60.0  # seconds, where an answer does not tell
_LONGEST_LOCK = 3600.0  # seconds; who tells more is not believed
_EPOCH = 1_000_000_000  # more than this are no seconds left, but a time


@dataclass(frozen=True, slots=True)
class Received:
    """An answer, read to its end."""

    status: int
    reset: str | None
    body: bytes


class RetryLaterError(Exception):
    """Another try may succeed."""


class LockedOutError(Exception):
    """The key asked too often.

    Attributes:
        seconds: for how long it is locked out.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class NothingThereError(Exception):
    """Cal.com has nothing at this path."""


def read(received: Received, now: Callable[[], float]) -> Any:
    """Read the JSON of a success.

    Args:
        received: the answer.
        now: tells the seconds since 1970.

    Raises:
        RetryLaterError, LockedOutError: another try may succeed.
        NothingThereError: it is Cal.com that has nothing there.
        CalcomUnauthorizedError, CalcomUnreachableError, CalcomMalformedError: it is no success, and will not be one.
    """
    match received.status:
        case 200:
            return _json(received.body)
        case 401:
            raise CalcomUnauthorizedError("Cal.com refuses the API key (401)", param="api_key")
        case 403:
            raise CalcomForbiddenError("Cal.com refuses the API key (403)", param="api_key")
        case 404 if _has_no_such_thing(received.body):
            raise NothingThereError
        case 429:
            raise LockedOutError(reset_seconds(received.reset, now))
        case status if status >= 500:  # noqa: PLR2004 - where HTTP's server errors begin
            raise RetryLaterError(f"Cal.com answers {status}")
        case 400 | 422:
            raise CalcomMalformedError(f"Cal.com does not take the request ({received.status})")
        case status:
            raise CalcomUnreachableError(f"there is no API of Cal.com at base_url: it answers {status}")


def reset_seconds(told: str | None, now: Callable[[], float]) -> float:
    """Read in how many seconds a lock ends; some say that it is told as a time since 1970."""
    try:
        seconds = float(told or "")
    except ValueError:
        return _LOCKED_OUT
    if seconds > _EPOCH:
        seconds -= now()
    return min(max(seconds, 1.0), _LONGEST_LOCK) if seconds == seconds else _LOCKED_OUT  # noqa: PLR0124 - not a number


def _json(body: bytes) -> Any:
    try:
        text = body.decode("utf-8-sig")  # by itself json would take halves of characters, too, and UTF-16
        read = json.loads(text, parse_constant=lambda _: None, parse_float=_finite)
    except (ValueError, RecursionError):
        raise CalcomMalformedError("Cal.com answered what is no JSON") from None
    return _storable(read) if _ODD_TEXT.search(body) else read


def _finite(told: str) -> float | None:
    return number if math.isfinite(number := float(told)) else None


def _storable(value: Any) -> Any:
    """Take out of texts what no database and no encoding takes: NUL, and halves of characters."""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_storable(one) for one in value]
    if isinstance(value, dict):
        return {_storable(name): _storable(one) for name, one in value.items()}
    return value


def _has_no_such_thing(body: bytes) -> bool:
    """Tell whether it is Cal.com that says so: of a path that is unknown to it, and of others' pages, it is not."""
    try:
        error = json.loads(body)["error"]
        return error["code"] in {"NotFoundException", "NOT_FOUND"} and not error["message"].startswith("Cannot ")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return False
