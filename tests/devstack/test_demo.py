"""`slotwire demo`: what it waits for it finds among whatever else there is, and what it tells is shown as it is."""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from rich.console import Console

from devstack.demo import Journey
from devstack.receiver import Receiver
from devstack.stack import api_at
from devstack.tail import reading
from slotwire_contracts import encode, record_key
from support.reservations import an_event
from support.servers import Servers
from support.topics import fresh_topic, write_topic


@asynccontextmanager
async def a_journey(servers: Servers, topic: str) -> AsyncIterator[tuple[Journey, io.StringIO]]:
    """A journey that reads a topic from its beginning, and what it tells; nobody is asked over HTTP."""
    told = io.StringIO()
    async with (
        api_at("http://127.0.0.1:1", "unused") as api,
        reading(servers.kafka_bootstrap, topic, from_beginning=True) as consumer,
    ):
        yield Journey(api, Receiver(), consumer, Console(file=told, highlight=False, soft_wrap=True)), told


async def test_a_foreign_record_on_the_topic_is_passed_over(servers: Servers) -> None:
    topic = await fresh_topic(servers.kafka_bootstrap, partitions=1)
    event = an_event("reservation.created")
    records = [(b"foreign", b"no event"), (record_key(event), encode(event))]
    await write_topic(servers.kafka_bootstrap, topic.name, records)
    async with a_journey(servers, topic.name) as (journey, told):
        await journey.see_event(event.subject, event.type)
    assert event.id in told.getvalue()


@pytest.mark.parametrize("word", ["[/x]", "[near window]"])
async def test_brackets_in_what_a_step_tells_are_no_markup(servers: Servers, word: str) -> None:
    topic = await fresh_topic(servers.kafka_bootstrap, partitions=1)
    async with a_journey(servers, topic.name) as (journey, told):
        with journey.step(f"asked {word}") as tell:
            tell(f"answered {word}")
    step, detail = told.getvalue().splitlines()
    assert step.startswith(f"✓ asked {word} ")
    assert detail == f"  answered {word}"
