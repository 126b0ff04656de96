"""Connections to where others say: tenants name these addresses, so none is trusted.

Invariant: what is connected to is an address of the public internet, or of a network that an operator has opened.
"""

from chassis.outbound.addresses import Network
from chassis.outbound.guard import BlockedAddressError, Guard
from chassis.outbound.reading import read_at_most
from chassis.outbound.urls import RefusedUrlError

__all__ = ["BlockedAddressError", "Guard", "Network", "RefusedUrlError", "read_at_most"]
