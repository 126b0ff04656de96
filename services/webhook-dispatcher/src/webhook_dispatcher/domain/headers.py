"""The headers that a subscription may add to its deliveries.

Invariant: an accepted header can neither change what the dispatcher itself says (id, time, signature, framing) nor
start another header or request.
"""

import re
from collections.abc import Mapping

from webhook_dispatcher.domain.errors import Flaw, Flaws, ValidationFailedError

MAX_HEADERS = 20
MAX_CHARACTERS = 2048
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,100}")  # a token of RFC 9110, section 5.6.2
_VALUE = re.compile(r"[\x20-\x7e]*")
_RESERVED_FAMILIES = ("webhook-", "proxy-", "sec-")
_RESERVED = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "date",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "via",
    }
)


def check_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Answer the headers if every one may be sent.

    Raises:
        ValidationFailedError: there are too many, or some are reserved, malformed, or given twice.
    """
    if len(headers) > MAX_HEADERS:
        raise _refused(f"must be at most {MAX_HEADERS} headers", "too_long")
    flaws = Flaws()
    with flaws.gathered():
        if len({name.lower() for name in headers}) < len(headers):
            raise _refused("must not hold a name twice", "duplicate")
    for name, value in headers.items():
        with flaws.gathered():
            _check(name, value)
    flaws.tell()
    return dict(headers)


def _check(name: str, value: str) -> None:
    if not _NAME.fullmatch(name):
        raise _refused(f"must not hold {name[:100]!r}, which is no name of a header", "header_name")
    if name.lower() in _RESERVED or name.lower().startswith(_RESERVED_FAMILIES):
        raise _refused(f"must not hold {name}, which is reserved", "reserved")
    if len(value) > MAX_CHARACTERS:
        raise _refused(f"must hold at most {MAX_CHARACTERS} characters in {name}", "too_long")
    if not _VALUE.fullmatch(value) or value != value.strip():
        raise _refused(f"must hold visible ASCII characters and inner spaces only in {name}", "header_value")


def _refused(message: str, rule: str) -> ValidationFailedError:
    return ValidationFailedError(Flaw("headers", message, rule))
