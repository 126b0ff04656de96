"""What a URL may be that others name.

Invariant: an accepted URL is plain printable ASCII with a host that is a name or a canonical address, so that no two
parsers can see different hosts in it.
"""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import SplitResult, urlsplit

MAX_CHARACTERS = 2048
_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%#]+")  # RFC 3986, sections 2.2 and 2.3
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
_MAX_HOST = 253


class RefusedUrlError(Exception):
    """A URL that is not connected to.

    Attributes:
        message: what it must be.
        rule: the rule's name.
    """

    def __init__(self, message: str, rule: str) -> None:
        super().__init__(message)
        self.message = message
        self.rule = rule


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a URL leads.

    Attributes:
        host: a name in lower case, or an address without brackets.
        port: the port, the scheme's own if none is given.
        is_address: whether `host` is an address, so that nothing is left to resolve.
    """

    host: str
    port: int
    is_address: bool


def parse_url(url: str, *, allow_http: bool) -> Endpoint:
    """Check a URL and tell where it leads.

    Args:
        url: the URL as it was given.
        allow_http: whether an operator allows `http`.

    Raises:
        RefusedUrlError: it is no URL, or one that is not connected to.
    """
    if len(url) > MAX_CHARACTERS:
        raise RefusedUrlError(f"must be at most {MAX_CHARACTERS} characters", "too_long")
    if not _CHARACTERS.fullmatch(url):
        raise RefusedUrlError("must be a URL in plain ASCII, other characters percent-encoded", "characters")
    parts, port = _split(url)
    if parts.scheme != "https" and not (allow_http and parts.scheme == "http"):
        raise RefusedUrlError("must begin with https://", "scheme")
    if "@" in parts.netloc:
        raise RefusedUrlError("must not carry credentials; send a header instead", "credentials")
    if "#" in url:
        raise RefusedUrlError("must not have a fragment", "fragment")
    host, is_address = _host(parts)
    return Endpoint(host, port or (443 if parts.scheme == "https" else 80), is_address)


def _split(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise RefusedUrlError("must be a valid URL", "url_parsing") from None
    return parts, port


def _host(parts: SplitResult) -> tuple[str, bool]:
    host = parts.hostname or ""
    if parts.netloc.startswith("["):
        return _v6(host), True
    labels = host.removesuffix(".").split(".")
    if _NUMERIC.fullmatch(labels[-1]):
        return _v4(host), True
    if len(host) > _MAX_HOST or not all(_LABEL.fullmatch(label) for label in labels):
        raise RefusedUrlError("must name a host", "host")
    return host, False


def _v4(host: str) -> str:
    """Accept four decimal numbers only: what else resolvers read as an address (`0x7f.1`, `2130706433`) hides it."""
    try:
        return str(IPv4Address(host))
    except AddressValueError:
        raise RefusedUrlError("must write an IPv4 address as four decimal numbers", "host") from None


def _v6(host: str) -> str:
    try:
        if "%" in host:
            raise RefusedUrlError("must not name a zone", "host")
        return str(IPv6Address(host))
    except AddressValueError:
        raise RefusedUrlError("must name a host", "host") from None
