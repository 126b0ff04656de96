"""Streets of endpoints at one receiver, each endpoint at a host of its own: good ones, and such as hang or fail."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.stack import Process, Receiver, Stack

SUBSCRIPTIONS = "/api/v1/webhooks/subscriptions"
HANGING_EACH, FAILING_EACH = 10, 100
"""One endpoint in so many."""

HEALTHY, HANGING, FAILING = "/hooks", "/hang", "/fail"

Path = Callable[[int], str]
"""Tells the path of an endpoint, by its number; the receiver goes by the path."""


@dataclass(frozen=True)
class Street:
    """Organizations with an endpoint each, or with several that each want every event.

    Attributes:
        healthy: how many endpoints of an organization answer; those without any are not in it.
    """

    org_ids: tuple[str, ...]
    healthy: Mapping[str, int]


def healthy(_: int) -> str:
    """Have all answer."""
    return HEALTHY


def hanging(number: int) -> str:
    """Have one in ten never answer."""
    return HANGING if number % HANGING_EACH == 1 else HEALTHY


def failing(number: int) -> str:
    """Have one in a hundred answer 500."""
    return FAILING if number % FAILING_EACH == 0 else HEALTHY


def bad(number: int) -> str:
    """Have both on one street."""
    return HANGING if hanging(number) == HANGING else failing(number)


async def new_street(
    stack: Stack, dispatcher: Process, receiver: Receiver, path: Path, numbers: Sequence[int], *, fan_out: int = 1
) -> Street:
    """Have organizations subscribe to everything, each at so many of the receiver's hosts.

    Args:
        stack: what it runs on.
        dispatcher: where they subscribe.
        receiver: what serves the endpoints.
        path: what each endpoint does.
        numbers: the hosts, one for each endpoint; a multiple of `fan_out`.
        fan_out: the endpoints of one organization.
    """
    tenants = await stack.tenants(len(numbers) // fan_out)
    answering = dict.fromkeys((tenant.org_id for tenant in tenants), 0)
    for place, number in enumerate(numbers):
        tenant = tenants[place // fan_out]
        asked = {"url": receiver.at(number) + path(place), "events": ["*"]}
        await stack.make(dispatcher, tenant, SUBSCRIPTIONS, asked)
        answering[tenant.org_id] += path(place) == HEALTHY
    return Street(tuple(answering), {org_id: count for org_id, count in answering.items() if count})
