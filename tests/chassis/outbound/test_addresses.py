"""Every form of an address that is not of the public internet is refused."""

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.outbound.addresses import refusal

HOSTILE = {
    "0.0.0.0": "this host",  # noqa: S104 - an address to refuse, not one to listen on
    "10.0.0.1": "private",
    "100.64.0.1": "carrier-grade NAT",
    "100.100.100.200": "carrier-grade NAT",
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "168.63.129.16": "cloud metadata",
    "169.254.169.254": "link-local",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.0.0.192": "reserved",
    "192.0.2.1": "documentation",
    "192.88.99.1": "6to4 relay",
    "192.168.0.1": "private",
    "198.18.0.1": "benchmarking",
    "198.51.100.1": "documentation",
    "203.0.113.1": "documentation",
    "224.0.0.1": "multicast",
    "239.255.255.255": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "reserved",
    "::": "not a public address",
    "::1": "loopback",
    "::7f00:1": "not a public address",
    "::127.0.0.1": "not a public address",
    "::ffff:127.0.0.1": "loopback",
    "::ffff:a9fe:a9fe": "link-local",
    "::ffff:0:127.0.0.1": "not a public address",
    "64:ff9b::7f00:1": "loopback",
    "64:ff9b::169.254.169.254": "link-local",
    "64:ff9b:1::1": "not a public address",
    "100::1": "not a public address",
    "2001::1": "Teredo",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2": "Teredo",
    "2001:20::1": "reserved",
    "2001:db8::1": "documentation",
    "2002:7f00:1::": "6to4",
    "2002:808:808::1": "6to4",
    "3fff::1": "documentation",
    "4000::1": "not a public address",
    "5f00::1": "not a public address",
    "fc00::1": "private",
    "fd00:ec2::254": "private",
    "fe80::1": "link-local",
    "fe80::1%eth0": "link-local",
    "fec0::1": "site-local",
    "ff02::1": "multicast",
    "localhost": "not an address",
    "2130706433": "not an address",
    "0x7f.0.0.1": "not an address",
    "0177.0.0.1": "not an address",
    "127.1": "not an address",
    "": "not an address",
}


@pytest.mark.parametrize(("address", "reason"), HOSTILE.items())
def test_what_is_not_public_is_refused_and_told(address: str, reason: str) -> None:
    assert refusal(address, ()) == reason


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "8.8.8.8", "93.184.216.34", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"],
)
def test_what_is_public_passes(address: str) -> None:
    assert refusal(address, ()) is None


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "::1"])
def test_an_operator_may_open_a_network_and_opens_that_one_only(address: str) -> None:
    allowed = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
    assert refusal(address, allowed) is None
    assert refusal("10.0.0.1", allowed) == "private"
    assert refusal("fe80::1", allowed) == "link-local"


@given(st.ip_addresses(v=4))
def test_wrapping_an_ipv4_address_changes_nothing(address: IPv4Address) -> None:
    told = refusal(str(address), ())
    assert refusal(f"::ffff:{address}", ()) == told
    assert refusal(f"64:ff9b::{address}", ()) == told
    assert told is not None or address.is_global  # what Python knows to be special is refused here too


@given(st.ip_addresses(v=6))
def test_ipv6_is_never_taken_where_python_knows_better(address: IPv6Address) -> None:
    wrapped = address.ipv4_mapped is not None or address in ip_network("64:ff9b::/96")
    assert refusal(str(address), ()) is not None or wrapped or address.is_global
