"""Which network addresses may be connected to.

Invariant: an address is refused unless it is one of the public internet, in whatever form it is written or wrapped; an
operator's allow-list is the only exception. Ranges are listed here and not taken from `ipaddress`, whose idea of
"global" changes with the version of Python.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network

_REFUSED_V4: tuple[tuple[IPv4Network, str], ...] = tuple(
    (IPv4Network(network), reason)
    for network, reason in (
        ("0.0.0.0/8", "this host"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "cloud metadata"),  # Azure's, on a public address
        ("169.254.0.0/16", "link-local"),  # with most clouds' metadata on 169.254.169.254
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),  # with Oracle's metadata on 192.0.0.192
        ("192.0.2.0/24", "documentation"),
        ("192.31.196.0/24", "reserved"),
        ("192.52.193.0/24", "reserved"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("192.175.48.0/24", "reserved"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)
_GLOBAL_V6 = IPv6Network("2000::/3")
_REFUSED_V6: tuple[tuple[IPv6Network, str], ...] = tuple(
    (IPv6Network(network), reason)
    for network, reason in (
        ("::1/128", "loopback"),
        ("fc00::/7", "private"),  # with AWS's metadata on fd00:ec2::254
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
        ("2001::/32", "Teredo"),
        ("2001::/23", "reserved"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("2620:4f:8000::/48", "reserved"),
        ("3fff::/20", "documentation"),
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in the last four bytes


def refusal(address: str, allowed: Iterable[Network]) -> str | None:
    """Tell why an address is not connected to, or None if it is.

    Args:
        address: an IPv4 or IPv6 address as a resolver or a socket names it, perhaps with a zone (`fe80::1%eth0`).
        allowed: networks that an operator has opened.
    """
    try:
        parsed = _unwrapped(ip_address(address))
    except ValueError:
        return "not an address"
    if any(parsed in network for network in allowed):
        return None
    if isinstance(parsed, IPv4Address):
        return next((reason for network, reason in _REFUSED_V4 if parsed in network), None)
    found = next((reason for network, reason in _REFUSED_V6 if parsed in network), None)
    return found or (None if parsed in _GLOBAL_V6 else "not a public address")


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Take an IPv4 address out of the IPv6 forms that reach it: v4-mapped and NAT64."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address
