"""The client of Cal.com's API as tests use it: it waits for nothing longer than it must."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from calcom_sync.client import Account, CalcomClient, Limits
from calcom_sync.domain.integration import API_VERSION, Pagination
from chassis.outbound import Guard
from support.calcom import StandIn
from support.dispatcher import LOOPBACK

QUICK = Limits(seconds=2.0, pace=0.0, tries=3, first_wait=0.01, longest_wait=0.05, longest_lock=3.0)


@asynccontextmanager
async def calcom_client(allowed: Any = LOOPBACK, **limits: Any) -> AsyncIterator[CalcomClient]:
    """A client that may connect to loopback, open for the block; `limits` are other than `QUICK`."""
    guard = Guard(allowed)
    client = CalcomClient(guard, replace(QUICK, **limits), user_agent="Slotwire/test")
    async with client.opened():
        yield client
    await guard.close()


def account(calcom: StandIn, **other: Any) -> Account:
    """The account of a stand-in."""
    given: dict[str, Any] = {
        "base_url": calcom.url,
        "api_key": calcom.key,
        "api_version": API_VERSION,
        "pagination": Pagination.OFFSET,
    }
    return Account(**given | other)
