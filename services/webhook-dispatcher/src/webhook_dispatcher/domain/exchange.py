"""What became of one HTTP exchange with a subscriber's endpoint.

Invariant: an exchange is an answer that was read to its end (or to the limit of what is read), or a failure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class FailureKind(StrEnum):
    """Why there is no answer."""

    TIMEOUT = "timeout"
    CONNECTION = "connection"
    TLS = "tls"
    BLOCKED = "blocked_address"
    PROTOCOL = "protocol"
    SEALED = "unreadable_secret"
    OAUTH = "oauth"


# A tuple, since one is made for each attempt: that takes a quarter of the time of a frozen dataclass.
class Answer(NamedTuple):
    """What the endpoint answered.

    Attributes:
        status: the HTTP status.
        headers: the response's headers, names in lower case, safe to store.
        body: the first of the body's bytes.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def size(self) -> int:
        """How many bytes were kept of it."""
        return len(self.body) + sum(len(name) + len(value) for name, value in self.headers.items())


@dataclass(frozen=True, slots=True)
class Failure:
    """Why no answer came, in a word and in a sentence."""

    kind: FailureKind
    detail: str


Exchange = Answer | Failure


def is_success(status: int | None) -> bool:
    """Tell whether a status, or none, says that a delivery was taken."""
    return status is not None and 200 <= status < 300  # noqa: PLR2004 - the class of success


def storable(text: str) -> str:
    """Make any text one that PostgreSQL stores: without NUL, and without halves of surrogate pairs."""
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
